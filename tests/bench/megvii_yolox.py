#!/usr/bin/env python3
"""The other side of cmake/bench.sh yolox: drives Megvii's YOLOX, whose checkout GRAPNEL_MEGVII_YOLOX names, on the
CPU and times it. Its own networks, losses, data sets and evaluator do the work; what its Trainer does around a step
stands here again because the Trainer itself runs on CUDA devices only.

step, data: serve, "steps N" on stdin answered by one line of JSON. The others run once and print JSON.
"""
import argparse
import contextlib
import io
import json
import os
import random
import resource
import sys
import time


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parts = parser.add_subparsers(dest="part", required=True)
    for name in ("step", "data", "train", "eval", "coco-read", "coco-eval", "dataset"):
        part = parts.add_parser(name)
        part.add_argument("--variant", default="nano")
        part.add_argument("--size", type=int, default=256)
        part.add_argument("--batch", type=int, default=8)
        part.add_argument("--classes", type=int, default=3)
        part.add_argument("--threads", type=int, default=2)
        part.add_argument("--channels-last", action="store_true")
        part.add_argument("--l1", action="store_true")
        part.add_argument("--data", help="folder with annotations/, train2017/, val2017/")
        part.add_argument("--cache", action="store_true", help="Megvii's cache of resized pictures in memory")
        part.add_argument("--workers", type=int, default=0)
        part.add_argument("--epochs", type=int, default=1)
        part.add_argument("--warmup-epochs", type=int, default=1)
        part.add_argument("--no-aug-epochs", type=int, default=0)
        part.add_argument("--scales", type=int, nargs=2, help="least and greatest training size, in 32 px")
        part.add_argument("--mosaic-prob", type=float, default=1.0)
        part.add_argument("--mosaic-scale", type=float, nargs=2)
        part.add_argument("--mixup", type=int, default=-1, help="0 or 1; the variant's when left out")
        part.add_argument("--lr", type=float, default=0.01 / 64, help="for one picture of a batch")
        part.add_argument("--seed", type=int, default=0)
        part.add_argument("--weights", help="state dict to write (train) or read (eval)")
        part.add_argument("--start", help="train: state dict to begin with")
        part.add_argument("--evaluate", action="store_true", help="train: evaluate at the end")
        part.add_argument("--annotations")
        part.add_argument("--results")
    return parser.parse_args()


args = parse()
checkout = os.environ.get("GRAPNEL_MEGVII_YOLOX")
if not checkout:
    raise SystemExit("megvii_yolox.py: GRAPNEL_MEGVII_YOLOX does not name a checkout of Megvii's YOLOX")
sys.path.insert(0, checkout)


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def clock():
    return time.perf_counter() * 1000


def load_torch():
    global cv2, numpy, torch
    import cv2
    import numpy
    import torch

    from loguru import logger

    logger.remove()
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(0)
    # Its evaluator makes CUDA tensors by name.
    torch.cuda.FloatTensor = torch.FloatTensor
    random.seed(args.seed)
    numpy.random.seed(args.seed)
    torch.manual_seed(args.seed)


def experiment():
    from yolox.exp import get_exp

    exp = get_exp(os.path.join(checkout, "exps", "default", "yolox_%s.py" % args.variant))
    exp.num_classes = args.classes
    exp.data_dir = args.data
    exp.input_size = exp.test_size = (args.size, args.size)
    exp.data_num_workers = args.workers
    exp.max_epoch = args.epochs
    exp.warmup_epochs = args.warmup_epochs
    exp.no_aug_epochs = args.no_aug_epochs
    exp.basic_lr_per_img = args.lr
    exp.mosaic_prob = args.mosaic_prob
    if args.mosaic_scale:
        exp.mosaic_scale = tuple(args.mosaic_scale)
    if args.mixup >= 0:
        exp.enable_mixup = bool(args.mixup)
    exp.seed = args.seed
    return exp


class BoxDraws:
    """The same numbers as yolox_step_bench.cpp draws."""

    def __init__(self):
        self.state = 1

    def next(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) / 2147483648.0


def made_up_targets():
    targets = torch.zeros(args.batch, 120, 5)
    draws = BoxDraws()
    for b in range(args.batch):
        for i in range(6 + b * 7 % 19):
            width, height = [(0.1 + 0.5 * draws.next()) * args.size for _ in range(2)]
            x = width / 2 + draws.next() * (args.size - width)
            y = height / 2 + draws.next() * (args.size - height)
            targets[b, i] = torch.tensor([float((b + i) % args.classes), x, y, width, height])
    return targets


def serve(setting, work):
    """`work(N)` for every "steps N" on stdin."""
    print(json.dumps({"ready": setting}), flush=True)
    while True:
        line = sys.stdin.readline().split()
        if not line:
            return
        answer = work(int(line[1]))
        answer["peak_mb"] = peak_mb()
        print(json.dumps(answer), flush=True)


def serve_steps():
    load_torch()
    from yolox.utils import ModelEMA

    exp = experiment()
    exp.warmup_epochs = 0  # the optimiser's rate is then the recipe's
    model = exp.get_model().train()
    images = torch.rand(args.batch, 3, args.size, args.size) * 255
    if args.channels_last:
        model = model.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    model.head.use_l1 = args.l1
    optimizer = exp.get_optimizer(args.batch)
    ema = ModelEMA(model, 0.9998)
    targets = made_up_targets()
    loss_span = [0.0, 0.0]
    get_losses = model.head.get_losses

    def timed_losses(*arguments, **named):
        loss_span[0] = clock()
        result = get_losses(*arguments, **named)
        loss_span[1] = clock()
        return result

    model.head.get_losses = timed_losses

    def work(count):
        times = {name: [] for name in ("forward", "loss", "backward", "optimizer", "total", "ema")}
        for _ in range(count):
            start = clock()
            outputs = model(images, targets)
            forwarded = clock()
            optimizer.zero_grad()
            outputs["total_loss"].backward()
            propagated = clock()
            optimizer.step()
            stepped = clock()
            ema.update(model)
            loss = loss_span[1] - loss_span[0]
            for name, value in (("forward", forwarded - start - loss), ("loss", loss), ("backward", propagated - forwarded),
                                ("optimizer", stepped - propagated), ("total", stepped - start), ("ema", clock() - stepped)):
                times[name].append(value)
        times["loss_value"] = float(outputs["total_loss"])
        return times

    serve("%d threads, torch %s" % (torch.get_num_threads(), torch.__version__), work)


def make_loader(exp):
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        if args.cache:
            exp.dataset = exp.get_dataset(cache=True, cache_type="ram")
        return exp.get_data_loader(args.batch, is_distributed=False, no_aug=False, cache_img="ram" if args.cache else None)


def serve_samples():
    """Samples as its training makes them, in this process alone."""
    load_torch()
    exp = experiment()
    dataset = make_loader(exp).dataset

    def work(count):
        start = clock()
        for _ in range(count):
            dataset[(True, random.randrange(len(dataset)))]
        return {"total": [clock() - start], "samples": count}

    serve("%d pictures, OpenCV %s" % (len(dataset), cv2.__version__), work)


def evaluate(exp, model):
    """Megvii's evaluator as it is; gives (AP, AP50)."""
    evaluator = exp.get_evaluator(args.batch, is_distributed=False)
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        ap, ap50, _ = exp.eval(model.eval(), evaluator, is_distributed=False)
    return float(ap), float(ap50)


def train():
    load_torch()
    from yolox.utils import ModelEMA

    exp = experiment()
    model = exp.get_model().train()
    if args.start:
        model.load_state_dict(torch.load(args.start, map_location="cpu")["model"])
    if args.channels_last:
        model = model.to(memory_format=torch.channels_last)
    optimizer = exp.get_optimizer(args.batch)
    loader = make_loader(exp)
    iters = len(loader)
    schedule = exp.get_lr_scheduler(exp.basic_lr_per_img * args.batch, iters)
    ema = ModelEMA(model, 0.9998)
    batches = iter(loader)
    size = exp.input_size
    epoch_s, data_ms, losses = [], 0.0, []
    for epoch in range(args.epochs):
        started = clock()
        if args.no_aug_epochs and epoch + 1 == args.epochs - args.no_aug_epochs:
            loader.close_mosaic()
            model.head.use_l1 = True
        for i in range(iters):
            before_data = clock()
            images, targets, _, _ = next(batches)
            images, targets = images.float(), targets.float()
            data_ms += clock() - before_data
            images, targets = exp.preprocess(images, targets, size)
            if args.channels_last:
                images = images.contiguous(memory_format=torch.channels_last)
            outputs = model(images, targets)
            optimizer.zero_grad()
            outputs["total_loss"].backward()
            optimizer.step()
            ema.update(model)
            lr = schedule.update_lr(epoch * iters + i + 1)
            for group in optimizer.param_groups:
                group["lr"] = lr
            losses.append(float(outputs["total_loss"]))
            if args.scales and (epoch * iters + i + 1) % 10 == 0:
                side = 32 * random.randint(*args.scales)
                size = (side, side)
        epoch_s.append((clock() - started) / 1000)
        print("epoch %d of %d: %.1f s, loss %.3f" % (epoch + 1, args.epochs, epoch_s[-1], sum(losses[-iters:]) / iters),
              file=sys.stderr, flush=True)
    answer = {"epoch_s": epoch_s, "iters": iters, "pictures": iters * args.batch, "data_ms": data_ms / len(losses),
              "last_loss": sum(losses[-iters:]) / iters, "peak_mb": peak_mb()}
    if args.weights:
        torch.save({"model": ema.ema.state_dict()}, args.weights)
    if args.evaluate:
        started = clock()
        answer["ap"], answer["ap50"] = evaluate(exp, ema.ema)
        answer["eval_s"] = (clock() - started) / 1000
    print(json.dumps(answer), flush=True)


def evaluate_weights():
    load_torch()
    exp = experiment()
    model = exp.get_model()
    model.load_state_dict(torch.load(args.weights, map_location="cpu")["model"])
    if args.channels_last:
        model = model.to(memory_format=torch.channels_last)
    evaluator = exp.get_evaluator(args.batch, is_distributed=False)
    spans = {}
    judge = evaluator.evaluate_prediction

    def timed_judge(*arguments):
        started = clock()
        result = judge(*arguments)
        spans["metrics_s"] = (clock() - started) / 1000
        spans["detections"] = len(arguments[0])
        return result

    evaluator.evaluate_prediction = timed_judge
    started = clock()
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        ap, ap50, _ = exp.eval(model.eval(), evaluator, is_distributed=False)
    spans["total_s"] = (clock() - started) / 1000
    spans.update(ap=float(ap), ap50=float(ap50), pictures=len(evaluator.dataloader.dataset), peak_mb=peak_mb())
    print(json.dumps(spans), flush=True)


def make_dataset():
    """What training does before its first picture, without the pictures."""
    load_torch()
    from yolox.data import InfiniteSampler

    exp = experiment()
    started = clock()
    with contextlib.redirect_stdout(io.StringIO()):
        dataset = exp.get_dataset(cache=False)
    made = clock()
    order = iter(InfiniteSampler(len(dataset), seed=args.seed))
    first = [int(next(order)) for _ in range(len(dataset))][0]
    print(json.dumps({"dataset_s": (made - started) / 1000, "shuffle_s": (clock() - made) / 1000, "images": len(dataset),
                      "first": first, "peak_mb": peak_mb()}), flush=True)


def coco_read():
    """Reading an annotation file as pycocotools does, which is what Megvii's data set calls."""
    from pycocotools.coco import COCO

    started = clock()
    with open(args.annotations) as file:
        json.load(file)
    parsed = clock()
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(args.annotations)
    answer = {"json_s": (parsed - started) / 1000, "coco_s": (clock() - parsed) / 1000,
              "images": len(coco.imgs), "annotations": len(coco.anns), "peak_mb": peak_mb()}
    print(json.dumps(answer), flush=True)


def coco_eval():
    """Judging a results file: pycocotools, and Megvii's C++ rewrite of it where that compiles."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    answer = {}
    with contextlib.redirect_stdout(io.StringIO()):
        started = clock()
        truth = COCO(args.annotations)
        found = truth.loadRes(args.results)
        answer["read_s"] = (clock() - started) / 1000
        started = clock()
        judged = COCOeval(truth, found, "bbox")
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
        answer.update(pycocotools_s=(clock() - started) / 1000, ap=float(judged.stats[0]), ap50=float(judged.stats[1]))
        try:
            from yolox.layers import COCOeval_opt

            judged = COCOeval_opt(truth, found, "bbox")  # compiles on its first use
            started = clock()
            judged = COCOeval_opt(truth, found, "bbox")
            judged.evaluate()
            judged.accumulate()
            judged.summarize()
            answer["megvii_s"] = (clock() - started) / 1000
        except Exception as error:  # it needs a compiler, and a package for Python's ninja
            answer["megvii_error"] = str(error).split("\n")[0]
    answer["peak_mb"] = peak_mb()
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    {"step": serve_steps, "data": serve_samples, "train": train, "eval": evaluate_weights, "coco-read": coco_read,
     "coco-eval": coco_eval, "dataset": make_dataset}[args.part]()
