#!/usr/bin/env python3
"""Makes a detection set to measure with: textured JPEG pictures of about 100 kB with 1 to 15 pieces of clothing
from Debian's dataset-fashion-mnist, in folders named as Megvii's YOLOX and COCO name them.

make_pictures.py OUT [--train N] [--val N] [--classes K] [--shapes landscape|mixed] [--lengths MIN MAX] [--most N] [--seed S]
"""
import argparse
import gzip
import json
import os

import cv2
import numpy as np

FASHION = "/usr/share/datasets/fashion-mnist"
NAMES = ["T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
# The first K of these are the classes of a set: forms that differ come first.
ORDER = [1, 8, 9, 3, 2, 5, 0, 7, 4, 6]


def find_idx(stem):
    for folder, _, files in os.walk(FASHION):
        for name in files:
            if name.startswith(stem):
                return os.path.join(folder, name)
    raise SystemExit("make_pictures.py: no %s under %s: install dataset-fashion-mnist" % (stem, FASHION))


def read_idx(path, header):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rb") as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


def background(draw, height, width):
    """Noise in octaves, tinted by corner: as smooth and as grainy as photographs are."""
    picture = np.zeros((height, width, 3), np.float32)
    for cell, strength in ((160, 60), (48, 26), (14, 14), (5, 9), (2, 9)):
        small = draw.normal(0, strength, (height // cell + 2, width // cell + 2, 3)).astype(np.float32)
        picture += cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    picture += draw.uniform(60, 190, 3).astype(np.float32)
    return np.clip(picture, 0, 255)


def overlaps(box, boxes):
    for other in boxes:
        w = min(box[0] + box[2], other[0] + other[2]) - max(box[0], other[0])
        h = min(box[1] + box[3], other[1] + other[3]) - max(box[1], other[1])
        if w > 0 and h > 0 and w * h > 0.25 * min(box[2] * box[3], other[2] * other[3]):
            return True
    return False


def paint(draw, picture, item, boxes, lengths):
    """Puts one piece of clothing somewhere; gives its tight box [x, y, w, h], None when there is no room."""
    height, width = picture.shape[:2]
    ink = item > 20
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    item = item[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    for _ in range(10):
        longest = float(np.exp(draw.uniform(np.log(lengths[0]), np.log(lengths[1]))))
        aspect = item.shape[1] / item.shape[0] * float(np.exp(draw.uniform(-0.5, 0.5)))
        w = int(longest if aspect > 1 else longest * aspect)
        h = int(longest if aspect <= 1 else longest / aspect)
        if w < 10 or h < 10 or w >= width or h >= height:
            continue
        box = [int(draw.integers(0, width - w)), int(draw.integers(0, height - h)), w, h]
        if overlaps(box, boxes):
            continue
        grey = np.clip(cv2.resize(item.astype(np.float32), (w, h), interpolation=cv2.INTER_CUBIC), 0, 255)
        alpha = np.clip((grey - 8) / 40, 0, 1)[..., None] * draw.uniform(0.75, 1.0)
        colour = draw.uniform(40, 255, 3).astype(np.float32)
        cloth = grey[..., None] / 255 * colour + draw.normal(0, 7, (h, w, 1)).astype(np.float32)
        area = picture[box[1] : box[1] + h, box[0] : box[0] + w]
        area += alpha * (cloth - area)
        return box
    return None


def make_split(args, split, count, seed, items_of):
    folder = os.path.join(args.out, split)
    os.makedirs(folder, exist_ok=True)
    draw = np.random.default_rng(seed)
    shapes = [(480, 640)] if args.shapes == "landscape" else [(480, 640), (640, 480), (360, 640)]
    images, annotations = [], []
    for number in range(1, count + 1):
        height, width = shapes[int(draw.integers(len(shapes)))]
        picture = background(draw, height, width)
        boxes = []
        for _ in range(int(draw.integers(1, args.most + 1))):
            label = int(draw.integers(args.classes))
            choices = items_of[label]
            box = paint(draw, picture, choices[int(draw.integers(len(choices)))], boxes, args.lengths)
            if box is None:
                continue
            boxes.append(box)
            annotations.append({"id": len(annotations) + 1, "image_id": number, "category_id": label + 1, "bbox": box,
                                "area": box[2] * box[3], "iscrowd": 0, "segmentation": []})
        name = "%06d.jpg" % number
        quality = int(draw.integers(90, 96))
        cv2.imwrite(os.path.join(folder, name), np.clip(picture, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])
        images.append({"id": number, "file_name": name, "width": width, "height": height})
    categories = [{"id": i + 1, "name": NAMES[ORDER[i]]} for i in range(args.classes)]
    os.makedirs(os.path.join(args.out, "annotations"), exist_ok=True)
    with open(os.path.join(args.out, "annotations", "instances_%s.json" % split), "w") as file:
        json.dump({"images": images, "annotations": annotations, "categories": categories}, file)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("--train", type=int, default=400)
    parser.add_argument("--val", type=int, default=100)
    parser.add_argument("--classes", type=int, default=7)
    parser.add_argument("--shapes", choices=["landscape", "mixed"], default="landscape")
    parser.add_argument("--lengths", type=int, nargs=2, default=[24, 300], help="shortest and longest object, px")
    parser.add_argument("--most", type=int, default=15, help="objects in a picture")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    for split, stem, count, seed in (("train2017", "train", args.train, args.seed), ("val2017", "t10k", args.val, args.seed + 1)):
        items = read_idx(find_idx(stem + "-images"), 16).reshape(-1, 28, 28)
        labels = read_idx(find_idx(stem + "-labels"), 8)
        make_split(args, split, count, seed, [items[labels == ORDER[i]] for i in range(args.classes)])


if __name__ == "__main__":
    main()
