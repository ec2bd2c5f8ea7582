#!/usr/bin/env python3
"""Random COCO data sets and results, evaluated by pycocotools and by `grapnel coco-eval`: every one of the
twelve numbers, AP a class, and the whole precision and recall arrays have to agree within 1e-9.

  compare_pycocotools.py --program build/bin/grapnel --cases 2000 [--first 0]
  compare_pycocotools.py --record tests/golden/coco_eval      the cases of the ordinary test

Needs a Python with numpy and pycocotools.
"""
import argparse
import contextlib
import copy
import io
import json
import os
import random
import subprocess
import sys
import tempfile

import numpy as np
from pycocotools import mask as mask_tools
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def random_mask(rng, height, width):
    mask = np.zeros((height, width), dtype=np.uint8, order="F")
    for _ in range(rng.randint(0, 3)):
        top, left = rng.randrange(height), rng.randrange(width)
        mask[top:top + rng.randint(1, height), left:left + rng.randint(1, width)] ^= 1
    if rng.random() < 0.3:
        mask[np.random.RandomState(rng.getrandbits(32)).rand(height, width) < 0.1] ^= 1
    return mask


def compressed(mask):
    rle = mask_tools.encode(mask)
    return {"size": [int(x) for x in rle["size"]], "counts": rle["counts"].decode()}


def uncompressed(mask):
    pixels = mask.flatten(order="F")
    edges = np.flatnonzero(np.diff(pixels)) + 1
    counts = np.diff(np.concatenate([[0], edges, [pixels.size]])).tolist()
    return {"size": list(mask.shape), "counts": ([0] if pixels[0] else []) + counts}


def random_box(rng, width, height, odd):
    kind = rng.random()
    if odd and kind < 0.04:
        return [rng.uniform(0, width), rng.uniform(0, height), rng.choice([0, 0.0, 5]), 0]
    if odd and kind < 0.06:
        return [rng.uniform(0, width), rng.uniform(0, height), -rng.uniform(0, 9), rng.uniform(-9, 9)]
    if odd and kind < 0.09:
        big = rng.choice([1e5, 1e9, 1e200])
        return [rng.uniform(-big, 0), rng.uniform(-big, 0), big, big * rng.random()]
    if odd and kind < 0.12:
        return [-rng.randint(1, 500), -rng.randint(1, 500), rng.randint(1, 900), rng.randint(1, 900)]
    w, h = rng.choice([(32, 32), (96, 96), (rng.uniform(1, width), rng.uniform(1, height)),
                       (rng.randint(1, 40), rng.randint(1, 40))])
    if rng.random() < 0.4:
        return [rng.randint(0, width), rng.randint(0, height), int(w), max(int(h), 1)]
    return [rng.uniform(0, width - 1), rng.uniform(0, height - 1), w, h]


class Case:
    """`odd`: of everything, also what only evaluation takes. A plain one stays small."""

    def __init__(self, seed, odd=True, small=False):
        self.rng = rng = random.Random(seed)
        self.odd = odd
        self.images = self.make_images(rng.randint(1, 5 if small else 12))
        self.categories = self.make_categories(rng.randint(1, 6))
        self.annotations = self.make_annotations()
        self.masks_as_results = odd and rng.random() < 0.15
        self.many = rng.random() < (0.05 if small else 0.2)
        self.results = self.make_results()
        self.max_detections, self.use_categories = [1, 10, 100], True
        if odd and rng.random() < 0.2:
            self.max_detections = rng.choice([[1, 2, 100], [5, 50, 100], [10, 1, 100]])
        if odd and rng.random() < 0.15:
            self.use_categories = False

    def make_ids(self, count):
        rng = self.rng
        kind = rng.random()
        if kind < 0.4:
            ids = list(range(1, count + 1))
        elif kind < 0.5:
            ids = list(range(0, count))
        else:
            ids = rng.sample(range(-50 if kind < 0.7 else 1, 10**rng.randint(3, 12)), count)
        if self.odd and rng.random() < 0.1:
            ids = [float(i) for i in ids]
        if rng.random() < 0.5:
            rng.shuffle(ids)
        return ids

    def make_images(self, count):
        return [dict(id=i, file_name="%d.jpg" % n, width=self.rng.randint(20, 300),
                     height=self.rng.randint(20, 300)) for n, i in enumerate(self.make_ids(count))]

    def make_categories(self, count):
        return [dict(id=i, name="class %d" % n) for n, i in enumerate(self.make_ids(count))]

    def make_annotations(self):
        rng, entries = self.rng, []
        with_truth = rng.sample(self.categories, rng.randint(1, len(self.categories)))
        for image in self.images:
            if rng.random() < 0.2:
                continue
            for _ in range(rng.randint(0, 7)):
                box = random_box(rng, image["width"], image["height"], self.odd)
                entry = dict(image_id=image["id"], category_id=rng.choice(with_truth)["id"], bbox=box)
                entry["area"] = rng.choice([box[2] * box[3], box[2] * box[3] * rng.uniform(0.2, 1),
                                            rng.choice([1024, 1024.5, 9216, 9215.9, 0, 1e10])])
                entry["area"] = min(entry["area"], 1e300)  # JSON has no word for infinity
                entry["iscrowd"] = int(rng.random() < 0.2)
                if self.odd:
                    self.vary(entry, image)
                entries.append(entry)
        for number, entry in zip(self.make_ids(len(entries)), entries):
            entry["id"] = number
        rng.shuffle(entries)
        return entries

    def vary(self, entry, image):
        rng = self.rng
        if rng.random() < 0.1:
            entry["ignore"] = rng.choice([0, 1])
        if rng.random() < 0.05:
            del entry["iscrowd"]
        kind = rng.random()
        if kind < 0.2:
            entry["segmentation"] = [[1, 2, 3.5, 4, 9, 7]]
        elif kind < 0.4:
            mask = random_mask(rng, image["height"], image["width"])
            entry["segmentation"] = (compressed if rng.random() < 0.5 else uncompressed)(mask)
            if rng.random() < 0.3:
                del entry["area"]
            if rng.random() < 0.3:
                del entry["bbox"]
        if rng.random() < 0.05:
            entry.pop("area", None)
        if rng.random() < 0.02:
            entry["image_id"] = 987654321987
        elif rng.random() < 0.02:
            entry["category_id"] = 987654321987

    def make_results(self):
        rng, entries = self.rng, []
        scores = rng.choice([None, [0.5, 0.75], [0, 1], [0.1 * i for i in range(10)]])
        score = lambda: rng.random() if scores is None else rng.choice(scores)
        size = {image["id"]: image for image in self.images}
        for annotation in self.annotations:
            if annotation["image_id"] not in size or "bbox" not in annotation:
                continue
            for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
                spread = rng.choice([0, 0.02, 0.1, 0.3])
                x, y, w, h = annotation["bbox"]
                box = [x + w * rng.gauss(0, spread), y + h * rng.gauss(0, spread),
                       abs(w) * (1 + rng.uniform(-spread, spread)),
                       abs(h) * (1 + rng.uniform(-spread, spread))]
                box = annotation["bbox"] if spread == 0 else box
                category = annotation["category_id"]
                if rng.random() >= 0.8:
                    category = rng.choice(self.categories)["id"]
                entries.append(dict(image_id=annotation["image_id"], category_id=category, bbox=box,
                                    score=score()))
                if rng.random() < 0.1:
                    entries.append(copy.deepcopy(entries[-1]))
        for image in self.images:
            number = rng.randint(90, 260) if self.many and rng.random() < 0.4 else rng.randint(0, 6)
            for _ in range(number):
                entries.append(dict(image_id=image["id"], category_id=rng.choice(self.categories)["id"],
                                    bbox=random_box(rng, image["width"], image["height"], self.odd),
                                    score=score()))
        if self.odd and entries and rng.random() < 0.1:
            rng.choice(entries)["category_id"] = 123123123
        rng.shuffle(entries)
        if not entries:
            entries.append(dict(image_id=self.images[0]["id"], category_id=self.categories[0]["id"],
                                bbox=[0, 0, 5, 5], score=0.5))
        if self.masks_as_results:
            for n, entry in enumerate(entries):
                image = size[entry["image_id"]]
                entry["segmentation"] = compressed(random_mask(rng, image["height"], image["width"]))
                if n == 0 or rng.random() < 0.8:
                    del entry["bbox"]
        return entries

    def truth(self):
        return dict(images=self.images, categories=self.categories, annotations=self.annotations)


def for_pycocotools(truth):
    """With what pycocotools insists on filled in, as its own tools would."""
    truth = copy.deepcopy(truth)
    sizes = {image["id"]: (image["height"], image["width"]) for image in truth["images"]}
    for entry in truth["annotations"]:
        entry.setdefault("iscrowd", 0)
        mask = entry.get("segmentation")
        if isinstance(mask, dict):
            if isinstance(mask["counts"], list):
                mask = mask_tools.frPyObjects(mask, *sizes.get(entry["image_id"], mask["size"]))
            if "bbox" not in entry:
                entry["bbox"] = mask_tools.toBbox(mask).tolist()
            entry.setdefault("area", float(mask_tools.area(mask)))
        entry.setdefault("area", entry["bbox"][2] * entry["bbox"][3])
    return truth


def evaluate(case):
    with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        truth = COCO()
        truth.dataset = for_pycocotools(case.truth())
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(copy.deepcopy(case.results)), "bbox")
        evaluation.params.maxDets = list(case.max_detections)
        evaluation.params.useCats = int(case.use_categories)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision, recall = evaluation.eval["precision"], evaluation.eval["recall"]
    classes = {}
    if case.use_categories:
        for k, category in enumerate(evaluation.params.catIds):
            values = precision[:, :, k, 0, -1]
            values = values[values > -1]
            classes[int(category)] = float(values.mean()) if values.size else -1.0
    return dict(stats=[float(x) for x in evaluation.stats], classes=classes, precision=precision.ravel(),
                recall=recall.ravel())


def difference(case, program, folder):
    paths = [os.path.join(folder, name) for name in ("truth.json", "results.json")]
    for path, value in zip(paths, (case.truth(), case.results)):
        with open(path, "w") as file:
            json.dump(value, file)
    command = [program, "coco-eval", *paths, "--json", "--curves", "--max-dets"]
    command += [str(n) for n in case.max_detections]
    if not case.use_categories:
        command.append("--ignore-classes")
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode != 0:
        return "failed: " + run.stderr.strip()
    ours, theirs = json.loads(run.stdout), evaluate(case)
    gaps = {
        "stats": np.abs(np.array(list(ours["stats"].values())) - theirs["stats"]).max(),
        "classes": max([abs(one["AP"] - theirs["classes"][one["id"]]) for one in ours["classes"]],
                       default=0.0),
        "precision": np.abs(np.array(ours["precision"]) - theirs["precision"]).max(),
        "recall": np.abs(np.array(ours["recall"]) - theirs["recall"]).max(),
    }
    if len(ours["classes"]) != len(theirs["classes"]):
        return "%d classes instead of %d" % (len(ours["classes"]), len(theirs["classes"]))
    bad = {name: float(gap) for name, gap in gaps.items() if not gap <= 1e-9}
    return bad or None


def weighted(values):
    return float(np.dot(values, np.arange(values.size) % 101 + 1.0))


def record(folder, names):
    for name, seed, odd in names:
        case = Case(seed, odd, small=True)
        theirs = evaluate(case)
        golden = dict(ground_truth=case.truth(), detections=case.results,
                      max_detections=case.max_detections, use_categories=case.use_categories,
                      stats=theirs["stats"], ap_per_class={str(k): v for k, v in theirs["classes"].items()},
                      precision_sum=float(theirs["precision"].sum()),
                      precision_weighted=weighted(theirs["precision"]),
                      recall_weighted=weighted(theirs["recall"]))
        with open(os.path.join(folder, name + ".json"), "w") as file:
            json.dump(golden, file, separators=(",", ":"))
            file.write("\n")


# Seeds chosen for what they hold, and for being small.
RECORDED = [(name, seed, True) for name, seed in (
    ("one_class_huge_boxes_float_ids", 10106), ("one_class_other_limits", 10070), ("masks_for_boxes", 10101),
    ("masks_for_areas", 10170), ("other_limits_empty_boxes", 10181), ("annotation_with_id_zero", 10047),
    ("negative_and_huge_boxes", 10224), ("float_ids_ties", 10198), ("other_limits_ignore_flags", 10068),
    ("nothing_found", 10151), ("unknown_images_in_truth", 10164), ("results_of_masks", 10064),
    ("results_of_masks_crowds", 10081), ("over_100_detections_crowds", 10021))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--program", help="the grapnel to compare with")
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--record", help="write the recorded cases into this folder")
    arguments = parser.parse_args()
    if arguments.record:
        record(arguments.record, RECORDED)
        return
    if not arguments.program:
        sys.exit("compare_pycocotools.py: --program is missing")
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(arguments.first, arguments.first + arguments.cases):
            gap = difference(Case(seed, odd=seed % 4 != 0), arguments.program, folder)
            if gap:
                wrong += 1
                print("case %d: %s" % (seed, gap))
    print("%d of %d cases agree within 1e-9" % (arguments.cases - wrong, arguments.cases))
    sys.exit(wrong != 0)


if __name__ == "__main__":
    main()
