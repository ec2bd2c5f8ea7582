#!/usr/bin/env python3
"""Makes COCO files of any size to measure readers with; there are no pictures behind them.

make_annotations.py OUT.json --images N --boxes M [--polygons] [--results RESULTS.json]
"""
import argparse
import json
import random


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("--images", type=int, default=20000)
    parser.add_argument("--boxes", type=int, default=200000, help="in the whole file")
    parser.add_argument("--classes", type=int, default=80)
    parser.add_argument("--polygons", action="store_true", help="segmentations as COCO has them: most of the file")
    parser.add_argument("--results", help="also write detections: most boxes, moved a little, and as many wrong ones")
    parser.add_argument("--file-name", help="the same picture for every image, {} being its number modulo 16")
    args = parser.parse_args()
    draw = random.Random(0)
    images = [{"license": 1 + i % 8, "file_name": args.file_name.format(i % 16) if args.file_name else "%012d.jpg" % (i + 1),
               "coco_url": "http://images.example.org/train2017/%012d.jpg" % (i + 1), "height": 480, "width": 640,
               "date_captured": "2013-11-14 17:02:52", "id": i + 1} for i in range(args.images)]
    annotations, results = [], []
    for i in range(args.boxes):
        w, h = draw.uniform(8, 300), draw.uniform(8, 300)
        x, y = draw.uniform(0, 640 - w), draw.uniform(0, 480 - h)
        box = [round(v, 2) for v in (x, y, w, h)]
        outline = []
        if args.polygons:
            outline = [[round(v, 2) for _ in range(draw.randint(8, 40)) for v in (x + w * draw.random(), y + h * draw.random())]]
        image, category = draw.randrange(args.images) + 1, draw.randrange(args.classes) + 1
        annotations.append({"segmentation": outline, "area": round(w * h * 0.7, 4), "iscrowd": 0, "image_id": image,
                            "bbox": box, "category_id": category, "id": i + 1})
        if args.results:
            if draw.random() < 0.8:
                moved = [round(v + draw.gauss(0, 0.06 * s), 2) for v, s in zip(box, (w, h, w, h))]
                moved[2:] = [max(1.0, v) for v in moved[2:]]
                results.append({"image_id": image, "category_id": category, "bbox": moved, "score": round(draw.betavariate(4, 2), 5)})
            results.append({"image_id": image, "category_id": draw.randrange(args.classes) + 1, "bbox": box,
                            "score": round(draw.betavariate(2, 4), 5)})
    with open(args.out, "w") as file:
        json.dump({"info": {"description": "made up"}, "licenses": [], "images": images, "annotations": annotations,
                   "categories": [{"supercategory": "thing", "id": i + 1, "name": "class%d" % i} for i in range(args.classes)]}, file)
    if args.results:
        with open(args.results, "w") as file:
            json.dump(results, file)


if __name__ == "__main__":
    main()
