"""Records megvii_postprocess.txt: PYTHONPATH=YOLOX python3 record.py > megvii_postprocess.txt

Random and awkward rows of an image, and which anchors Megvii YOLOX's postprocess (over torchvision's nms and
batched_nms) keeps of them, in which order. Anchors are recognised by their objectness and corner.
"""
import numpy
import torch
from yolox.utils.boxes import postprocess


def random_rows(seed, anchors, classes, levels=0, span=400.0):
    draw = numpy.random.default_rng(seed)
    rows = draw.random((anchors, 5 + classes)).astype(numpy.float32)
    rows[:, :2] *= span
    rows[:, 2:4] = 10 + rows[:, 2:4] * span / 3
    rows[1::2, :4] = rows[::2, :4] + (draw.random((anchors // 2, 4)) * span / 40).astype(numpy.float32)
    if levels:  # few values: many equal scores and equal boxes
        rows[:, :2] = numpy.round(rows[:, :2] / 40) * 40
        rows[:, 2:4] = numpy.round(rows[:, 2:4] / 30) * 30 + 30
        rows[:, 4:] = numpy.round(rows[:, 4:] * levels) / levels
    return rows


def awkward_rows():
    return numpy.array([
        [50, 50, 40, 40, 0.9, 0.5, 0.5],        # both classes equal: the first
        [50, 50, 40, 40, 0.9, 0.5, 0.5],        # the same again
        [50, 40, 40, 20, 0.9, 0.25, 0.75],      # half of it, another class
        [50, 60, 40, 20, 0.5, 0.5, 0.1],
        [200, 50, 0, 0, 1, 1, 0],               # no extent, twice
        [200, 50, 0, 0, 1, 1, 0],
        [-30, -20, 50, 60, 0.2, 0.05, 0.04],    # score 0.01: at the threshold
        [5000, 4000, 3000, 2500, 0.8, 0.3, 0.9],
        [5010, 4000, 3000, 2500, 0.8, 0.9, 0.3],
        [1e-3, 1e-3, 2e-3, 2e-3, 0.6, 0.6, 0.2],
    ], dtype=numpy.float32)


CASES = [
    ("random", random_rows(1, 120, 2), 0.01, 0.65, False),
    ("low_threshold", random_rows(2, 100, 3), 0.001, 0.45, False),
    ("agnostic", random_rows(3, 120, 4), 0.01, 0.65, True),
    ("ties", random_rows(4, 120, 3, levels=4), 0.01, 0.65, False),
    ("ties_agnostic", random_rows(5, 120, 3, levels=4), 0.1, 0.5, True),
    ("one_class", random_rows(6, 90, 1), 0.3, 0.3, False),
    ("awkward", awkward_rows(), 0.01, 0.5, False),
    ("nothing", random_rows(7, 20, 2), 0.999, 0.5, False),
]

for name, rows, confidence, overlap, agnostic in CASES:
    classes = rows.shape[1] - 5
    found = postprocess(torch.from_numpy(rows.copy())[None], classes, confidence, overlap, agnostic)[0]
    found = numpy.zeros((0, 7), numpy.float32) if found is None else found.numpy()
    print("case", name, len(rows), classes, confidence, overlap, int(agnostic), len(found))
    for row in rows:
        print(" ".join(f"{value:.9g}" for value in row))
    corners = torch.from_numpy(rows)
    left = (corners[:, 0] - corners[:, 2] / 2).numpy()
    bottom = (corners[:, 1] + corners[:, 3] / 2).numpy()
    for x1, _, _, y2, objectness, probability, label in found:
        same = numpy.flatnonzero((left == x1) & (bottom == y2) & (rows[:, 4] == objectness)
                                 & (rows[:, 5 + int(label)] == probability))
        print(same[0], int(label))
