"""Records what Megvii's own transforms give for the draws that Grapnel's generator makes.

  GRAPNEL_MEGVII_YOLOX=/path/to/YOLOX python3 record_megvii.py OUT.json

The draws of each sample are computed here as Grapnel's pipeline makes them (Philox4x32-10, see
host/core/philox.hpp) and handed to Megvii's code in the order in which it asks for them. Pictures are
patterns that both sides compute. Needs OpenCV, NumPy and pycocotools (which Megvii's data package imports).
"""

import contextlib
import io
import json
import os
import sys

import cv2
import numpy as np

sys.path.insert(0, os.environ["GRAPNEL_MEGVII_YOLOX"])
with contextlib.redirect_stdout(io.StringIO()):
    from yolox.data import data_augment
    from yolox.data.datasets import coco, mosaicdetection

MASK = 0xFFFFFFFF

# (width, height), boxes as x1, y1, x2, y2
PICTURES = [
    ((640, 480), [(20, 30, 200, 300), (300, 100, 420, 180), (500, 400, 639, 479)]),
    ((333, 500), [(0, 0, 333, 500), (40, 60, 90, 400)]),
    ((120, 90), [(10, 10, 60, 80)]),
    ((500, 375), []),
    ((1000, 100), [(5, 5, 300, 95), (900, 20, 990, 90)]),
    ((64, 64), [(8, 8, 56, 56), (30, 30, 34, 33)]),
]

RECIPES = {
    "default": dict(scale=(0.1, 2.0), degrees=10.0, translate=0.1, shear=2.0, mixup=(0.5, 1.5)),
    "nano": dict(scale=(0.5, 1.5), degrees=10.0, translate=0.1, shear=2.0, mixup=None),
    "plain": None,
}


class Draws:
    """Grapnel's CounterRng for a sample of the pipeline."""

    def __init__(self, seed, epoch, position):
        self.key = [seed & MASK, seed >> 32]
        self.counter = [0, position & MASK, epoch & MASK, 2]  # purpose 2: the pipeline
        self.words = []

    def word(self):
        if not self.words:
            c, k = list(self.counter), list(self.key)
            for _ in range(10):
                a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
                c = [b >> 32 ^ c[1] ^ k[0], b & MASK, a >> 32 ^ c[3] ^ k[1], a & MASK]
                k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
            self.counter[0] += 1
            self.words = c
        return self.words.pop(0)

    def bits(self):
        return self.word() << 32 | self.word()

    def uniform(self, low=0.0, high=1.0):
        return low + (high - low) * ((self.bits() >> 11) * 2.0**-53)

    def integer(self, low, high):
        span = high - low + 1
        while True:
            draw = self.bits()
            if draw >= (1 << 64) % span:
                return low + draw % span


class Queue:
    """Stands for `random` and `numpy.random` in Megvii's modules; what it gives was drawn before."""

    def __init__(self):
        self.values = []

    def take(self, low, high):
        value = self.values.pop(0)
        assert low <= value <= high, (low, value, high)
        return value

    def random(self):
        return self.take(0, 1)

    def uniform(self, low, high):
        return self.take(low, high)

    def randint(self, low, high):
        return self.take(low, high)


class HsvQueue:
    def __init__(self):
        self.values = []

    def uniform(self, low, high, count):
        return np.array([self.values.pop(0) for _ in range(count)])

    def randint(self, low, high, count):
        return np.array([self.values.pop(0) for _ in range(count)])


def wave(v):
    v = v % 512
    return np.where(v < 256, v, 511 - v).astype(np.uint8)


def picture(index):
    (width, height), _ = PICTURES[index]
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([wave(2 * x + y + 37 * index), wave(x + 3 * y + 91 * index),
                     wave(3 * x - 2 * y + 5120 + 11 * index)], axis=2)


class Patterns(coco.COCODataset):
    """Megvii's dataset over the patterns: its own resizing and scaling of boxes, no files."""

    def __init__(self, size):
        self.img_size = size
        self._input_dim = size
        self.enable_mosaic = True
        self.cache = False
        self.ids = list(range(len(PICTURES)))
        self.annotations = []
        for (width, height), boxes in PICTURES:
            ratio = min(size[0] / height, size[1] / width)
            rows = np.array([[*box, label] for label, box in enumerate(boxes)], dtype=np.float64)
            rows = rows.reshape(-1, 5)
            rows[:, :4] *= ratio
            self.annotations.append((rows, (height, width), None, ""))

    def __len__(self):
        return len(PICTURES)

    def load_image(self, index):
        return picture(index)


def block_means(image, blocks=16):
    height, width = image.shape[:2]
    cut = image.reshape(blocks, height // blocks, blocks, width // blocks, 3).astype(np.float64)
    means = cut.mean(axis=(1, 3))
    return [round(v, 1) for v in means.reshape(-1)]


def offset(draws, length, wanted):
    return [draws.integer(0, length - wanted - 1)] if length > wanted else []


def record(recipe_name, size, seed, position, index):
    recipe = RECIPES[recipe_name]
    draws, queue, hsv = Draws(seed, 0, position), Queue(), HsvQueue()
    dataset = Patterns(size)
    count = len(dataset)
    case = dict(recipe=recipe_name, size=[size[1], size[0]], seed=seed, position=position, index=index)
    if recipe:
        mosaic_chance = draws.uniform()
        cx, cy = draws.uniform(0.5, 1.5), draws.uniform(0.5, 1.5)
        tiles = [draws.integer(0, count - 1) for _ in range(3)]
        angle = draws.uniform(-recipe["degrees"], recipe["degrees"])
        scale = draws.uniform(*recipe["scale"])
        shear_x, shear_y = (draws.uniform(-recipe["shear"], recipe["shear"]) for _ in range(2))
        shift_x, shift_y = (draws.uniform(-recipe["translate"], recipe["translate"]) for _ in range(2))
        # Megvii's rotation turns the other way, and it draws the two shears in the other order.
        queue.values += [mosaic_chance, cy * size[0], cx * size[1], *tiles, -angle, scale, shear_y, shear_x,
                         shift_x, shift_y]
        if recipe["mixup"]:
            chance = draws.uniform()
            others = [draws.integer(0, count - 1)]
            while len(dataset.load_anno(others[-1])) == 0:
                others.append(draws.integer(0, count - 1))
            jitter = draws.uniform(*recipe["mixup"])
            flip = draws.uniform() < 0.5
            queue.values += [chance, jitter, 0.75 if flip else 0.25, *others]
            for side in size:
                queue.values += offset(draws, int(side * jitter), side)
    hsv.values = [draws.uniform(-1, 1) for _ in range(3)] + [draws.integer(0, 1) for _ in range(3)]
    queue.values += [0.0, draws.uniform()]  # that colours are changed at all, and the mirror's

    # Boxes that the canvas has cut flat are dropped where Grapnel and MMDetection drop them; Megvii's code
    # lets the affine map turn them into boxes again.
    flattened = []
    own_affine = data_augment.random_affine

    def affine(image, targets=(), **options):
        flat = (targets[:, 2] <= targets[:, 0]) | (targets[:, 3] <= targets[:, 1])
        flattened.append(int(flat.sum()))
        return own_affine(image, targets[~flat], **options)

    class Numpy:
        random = hsv

        def __getattr__(self, name):
            return getattr(np, name)

    data_augment.random, mosaicdetection.random = queue, queue
    data_augment.np = Numpy()
    mosaicdetection.random_affine = affine
    try:
        transform = data_augment.TrainTransform(max_labels=100, flip_prob=0.5, hsv_prob=1.0)
        options = {}
        if recipe:
            options = dict(degrees=recipe["degrees"], translate=recipe["translate"],
                           mosaic_scale=recipe["scale"], shear=recipe["shear"],
                           enable_mixup=recipe["mixup"] is not None)
            if recipe["mixup"]:
                options["mixup_scale"] = recipe["mixup"]
        whole = mosaicdetection.MosaicDetection(dataset, size, mosaic=recipe is not None, preproc=transform,
                                                **options)
        image, labels, _, _ = whole[index]
    finally:
        data_augment.np = np
    assert not queue.values and not hsv.values, (queue.values, hsv.values)
    image = image.transpose(1, 2, 0)
    labels = labels[labels.any(axis=1)]
    if len(labels) and (labels[:, 3:].min(axis=1) <= 1).all():
        return None  # nothing large enough was left, and the code took the boxes and colours of before
    # Class, x1, y1, x2, y2
    centre, half = labels[:, 1:3], labels[:, 3:] / 2
    corners = np.concatenate([labels[:, :1], centre - half, centre + half], 1)
    case.update(flattened=sum(flattened),
                boxes=[[round(float(v), 4) for v in row] for row in corners], means=block_means(image))
    return case


def main():
    cv2.setNumThreads(0)
    cases = []
    for recipe in RECIPES:
        for size in ((256, 256), (160, 224)):
            for position in range(6):
                index = (position + (size[0] == 160)) % len(PICTURES)
                if recipe == "plain" and not PICTURES[index][1]:
                    continue  # Megvii's code leaves colours and mirroring out where there are no boxes
                cases.append(record(recipe, size, 7, position, index))
    cases = [case for case in cases if case]
    with open(sys.argv[1], "w") as out:
        out.write('{"cases": [\n' + ",\n".join(json.dumps(case) for case in cases) + "\n]}\n")
    print(len(cases), "cases,", sum(len(case["boxes"]) for case in cases), "boxes,",
          sum(case["flattened"] for case in cases), "flattened ones left out")


if __name__ == "__main__":
    main()
