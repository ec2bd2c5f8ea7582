#!/usr/bin/env python3
"""Runs Megvii's YOLOX (a checkout of it, imported at run time) on a made-up network and batch and writes
numbers down for Grapnel's tests: in float64, with the error that its own float32 run makes beside it.

  record_megvii.py --megvii CHECKOUT --variant tiny --numbers tests/golden/yolox/tiny/numbers.json
  record_megvii.py --megvii CHECKOUT --variant s --whole FOLDER      every tensor, as float64

Weights and batch come from a counter-based hash, written the same way in recipe.cpp, so that none of them
has to be stored.
"""
import argparse
import copy
import json
import math
import os
import sys
import types

import numpy as np
import torch

# depth, width, classes, batch, height, width of the pictures, boxes of each picture
VARIANTS = {
    "tiny": dict(depth=0.33, width=0.375, classes=80, height=128, pixels_wide=160, boxes=[7, 0, 3]),
    "s": dict(depth=0.33, width=0.50, classes=5, height=160, pixels_wide=96, boxes=[4, 0]),
}
SIGN_STREAM, PICTURE_STREAM, BOX_STREAM = 1 << 20, 1 << 21, 1 << 22
STEPS = 10
MAX_BOXES = 8


def hash64(stream, count):
    with np.errstate(over="ignore"):
        z = (np.arange(count, dtype=np.uint64) + (np.uint64(stream) << np.uint64(32)) + np.uint64(1))
        z = z * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def unit(stream, count):
    """Uniform in [0, 1), multiples of 2^-24."""
    return (hash64(stream, count) >> np.uint64(40)).astype(np.float64) * 2.0**-24


def signs(count):
    return 1.0 - 2.0 * (hash64(SIGN_STREAM, count) >> np.uint64(63)).astype(np.float64)


def state_value(index, name, shape):
    count = int(np.prod(shape)) if len(shape) else 1
    u = unit(index, count)
    # The first layer sees 0..255: its statistics bring that to the size that the others work on.
    stem = 128.0 if name.startswith("backbone.backbone.stem.") else 1.0
    if len(shape) == 4:
        fan_in = shape[1] * shape[2] * shape[3]
        value = math.sqrt((0.5 if "_preds." in name else 4.0) / fan_in) * (2.0 * u - 1.0)
    elif name.endswith(".running_var"):
        value = stem * stem * (0.5 + u)
    elif name.endswith(".running_mean"):
        value = stem * 0.5 * (u - 0.5)
    elif name.endswith(".bn.weight"):
        value = 0.5 + u
    elif name.endswith(".bn.bias"):
        value = u - 0.5
    elif "reg_preds" in name:
        value = u - 0.5
    else:
        value = u - 2.0  # scores
    return value.astype(np.float32).reshape(shape)


def fill(model):
    for index, (name, tensor) in enumerate(model.state_dict().items()):
        if tensor.is_floating_point():
            tensor.copy_(torch.from_numpy(state_value(index, name, tuple(tensor.shape))))


def make_batch(variant):
    height, width, boxes = variant["height"], variant["pixels_wide"], variant["boxes"]
    count = len(boxes) * 3 * height * width
    images = np.floor(unit(PICTURE_STREAM, count) * 256.0).astype(np.float32)
    targets = np.zeros((len(boxes), MAX_BOXES, 5), dtype=np.float32)
    u = unit(BOX_STREAM, len(boxes) * MAX_BOXES * 5).reshape(len(boxes), MAX_BOXES, 5)
    for image, number in enumerate(boxes):
        for row in range(number):
            label, cx, cy, w, h = u[image, row]
            targets[image, row] = [
                math.floor(label * variant["classes"]),
                math.floor((0.1 + 0.8 * cx) * width * 4.0) / 4.0,
                math.floor((0.1 + 0.8 * cy) * height * 4.0) / 4.0,
                math.floor((8.0 + w * 0.5 * width) * 4.0) / 4.0,
                math.floor((8.0 + h * 0.5 * height) * 4.0) / 4.0,
            ]
    return images.reshape(len(boxes), 3, height, width), targets


class MegviiRun:
    def __init__(self, variant, dtype):
        from yolox.models import YOLOPAFPN, YOLOX, YOLOXHead

        self.variant, self.dtype = variant, dtype
        wide = dict(width=variant["width"], in_channels=[256, 512, 1024], act="silu")
        self.model = YOLOX(YOLOPAFPN(variant["depth"], **wide), YOLOXHead(variant["classes"], **wide))
        for module in self.model.modules():  # as its Exp.get_model sets them
            if isinstance(module, torch.nn.BatchNorm2d):
                module.eps, module.momentum = 1e-3, 0.03
        fill(self.model)
        self.model.to(dtype)
        images, targets = make_batch(variant)
        self.images, self.targets = torch.from_numpy(images).to(dtype), torch.from_numpy(targets).to(dtype)
        self.start = copy.deepcopy(self.model.state_dict())
        self.matches = []
        original = self.model.head.get_assignments

        def watched(batch_idx, *args, **kwargs):
            result = original(batch_idx, *args, **kwargs)
            _, mask, ious, truths, _ = result
            self.matches.append(dict(image=batch_idx, anchors=mask.nonzero().flatten().tolist(),
                                     truths=truths.tolist(), ious=ious.tolist()))
            return result

        self.model.head.get_assignments = watched

    def reset(self):
        self.model.load_state_dict(self.start)
        self.model.zero_grad(set_to_none=True)
        self.matches.clear()

    def evaluate(self):
        self.reset()
        self.model.eval()
        with torch.no_grad():
            maps = self.model.backbone(self.images)
            decoded = self.model(self.images)
            self.model.head.decode_in_inference = False
            raw = self.model(self.images)
            self.model.head.decode_in_inference = True
        return dict(fpn0=maps[0], fpn1=maps[1], fpn2=maps[2], raw=raw, decoded=decoded)

    def losses(self, use_l1):
        self.model.train()
        self.model.head.use_l1 = use_l1
        out = self.model(self.images, self.targets)
        return out["total_loss"], {key: float(value) for key, value in out.items()}

    def one_training_pass(self, use_l1):
        self.reset()
        total, losses = self.losses(use_l1)
        total.backward()
        gradients = {name: p.grad.clone() for name, p in self.model.named_parameters()}
        statistics = {name: t.clone() for name, t in self.model.state_dict().items() if ".running_" in name}
        return losses, copy.deepcopy(self.matches), gradients, statistics

    def ten_steps(self):
        from yolox.utils import LRScheduler, ModelEMA

        self.reset()
        norms, weights, biases = [], [], []
        for name, module in self.model.named_modules():  # the groups of its Exp.get_optimizer
            if isinstance(getattr(module, "bias", None), torch.nn.Parameter):
                biases.append(module.bias)
            if isinstance(module, torch.nn.BatchNorm2d):
                norms.append(module.weight)
            elif isinstance(getattr(module, "weight", None), torch.nn.Parameter):
                weights.append(module.weight)
        optimizer = torch.optim.SGD(norms, lr=0.0, momentum=0.9, nesterov=True)
        optimizer.add_param_group({"params": weights, "weight_decay": 5e-4})
        optimizer.add_param_group({"params": biases})
        schedule = LRScheduler("yoloxwarmcos", 0.00001, 3, 4, warmup_epochs=1, warmup_lr_start=0,
                               no_aug_epochs=1, min_lr_ratio=0.05)
        average = ModelEMA(self.model, 0.9998, updates=1000)
        steps = []
        lr = 0.0
        for step in range(STEPS):
            for group in optimizer.param_groups:
                group["lr"] = lr
            optimizer.zero_grad()
            # The L1 loss comes in as in the last epochs.
            total, losses = self.losses(use_l1=step >= 7)
            total.backward()
            optimizer.step()
            average.update(self.model)
            steps.append(dict(lr=lr, ema_decay=average.decay(average.updates), use_l1=step >= 7, **losses))
            lr = schedule.update_lr(step + 1)

        def way(model):  # how far each tensor has come: what is left of it would hide a wrong step
            return {name: tensor - self.start[name] for name, tensor in model.state_dict().items()
                    if tensor.is_floating_point()}

        return steps, way(self.model), way(average.ema)

    def everything(self):
        result = dict(eval=self.evaluate())
        for key, use_l1 in (("no_l1", False), ("l1", True)):
            losses, matches, gradients, statistics = self.one_training_pass(use_l1)
            result["losses_" + key] = losses
            result["gradients_" + key] = gradients
            if not use_l1:
                result["matches"], result["statistics"] = matches, statistics
        result["steps"], result["stepped"], result["averaged"] = self.ten_steps()
        return result


TENSOR_GROUPS = ("eval", "gradients_no_l1", "gradients_l1", "statistics", "stepped", "averaged")


def flat(tensor):
    return tensor.detach().double().contiguous().numpy().reshape(-1)


def digest(exact, rounded):
    """Euclidean norm, sum under fixed random signs (any element that differs shows in it), relative error of
    the float32 run, first values."""
    a, b = flat(exact), flat(rounded)
    norm = float(np.sqrt(np.dot(a, a)))
    error = float(np.linalg.norm(a - b)) / max(norm, 1e-300)
    numbers = [norm, float(np.dot(signs(a.size), a)), error] + [float(x) for x in a[:2]]
    return [float("%.11g" % x) for x in numbers[:2]] + [float("%.2g" % error)] + [
        float("%.9g" % x) for x in numbers[3:]]


def numbers_of(name, exact, rounded):
    out = dict(variant=name, classes=VARIANTS[name]["classes"])
    for group in TENSOR_GROUPS:
        out[group] = {key: digest(tensor, rounded[group][key]) for key, tensor in exact[group].items()}
    for key in ("losses_no_l1", "losses_l1"):
        out[key] = dict(exact=exact[key], float32=rounded[key])
    out["matches"] = exact["matches"]
    same = [(m["anchors"], m["truths"]) for m in exact["matches"]] == [
        (m["anchors"], m["truths"]) for m in rounded["matches"]]
    if not same:
        sys.exit("the float32 run assigns other anchors than the float64 run: not fit to be a reference")
    out["steps"] = exact["steps"]
    out["steps_float32"] = rounded["steps"]
    return out


def write_whole(folder, exact):
    os.makedirs(folder, exist_ok=True)
    index, offset = [], 0
    with open(os.path.join(folder, "whole.bin"), "wb") as data:
        for group in TENSOR_GROUPS:
            for key, tensor in exact[group].items():
                values = flat(tensor).astype("<f8")
                data.write(values.tobytes())
                index.append(dict(group=group, name=key, shape=list(tensor.shape), offset=offset))
                offset += values.nbytes
    with open(os.path.join(folder, "whole.json"), "w") as file:
        json.dump(index, file)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--megvii", default=os.environ.get("GRAPNEL_MEGVII_YOLOX"))
    parser.add_argument("--variant", choices=sorted(VARIANTS), required=True)
    parser.add_argument("--numbers", help="write the numbers for the ordinary test")
    parser.add_argument("--whole", help="write every tensor into this folder")
    arguments = parser.parse_args()
    if not arguments.megvii or not os.path.isdir(os.path.join(arguments.megvii, "yolox")):
        sys.exit("no checkout of Megvii's YOLOX: give --megvii or set GRAPNEL_MEGVII_YOLOX")
    sys.path.insert(0, arguments.megvii)
    sys.dont_write_bytecode = True
    try:
        import packaging.version  # noqa: F401
    except ImportError:  # its MLflow logger alone wants it, which nothing here uses
        sys.modules["packaging"] = types.ModuleType("packaging")
        sys.modules["packaging.version"] = types.ModuleType("packaging.version")
    torch.set_num_threads(2)
    variant = VARIANTS[arguments.variant]
    exact = MegviiRun(variant, torch.float64).everything()
    if arguments.whole:
        write_whole(arguments.whole, exact)
    if arguments.numbers or not arguments.whole:
        rounded = MegviiRun(variant, torch.float32).everything()
        numbers = numbers_of(arguments.variant, exact, rounded)
        for group in TENSOR_GROUPS:
            errors = sorted(digest[2] for digest in numbers[group].values())
            print("%-16s float32 error: median %.1e, largest %.1e" % (
                group, errors[len(errors) // 2], errors[-1]))
        for key in ("losses_no_l1", "losses_l1"):
            print(key, numbers[key])
        print("matches", [len(m["anchors"]) for m in numbers["matches"]])
        for a, b in zip(numbers["steps"], numbers["steps_float32"]):
            print("step lr %.5f decay %.6f loss %.6f float32 %+.1e" % (
                a["lr"], a["ema_decay"], a["total_loss"], b["total_loss"] / a["total_loss"] - 1))
        if arguments.numbers:
            os.makedirs(os.path.dirname(os.path.abspath(arguments.numbers)), exist_ok=True)
            with open(arguments.numbers, "w") as file:
                file.write(json.dumps(numbers, separators=(",", ":")).replace('],"', '],\n"') + "\n")


if __name__ == "__main__":
    main()
