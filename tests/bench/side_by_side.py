#!/usr/bin/env python3
"""cmake/bench.sh yolox: measures Grapnel beside Megvii's YOLOX on the same machine, in turns, and prints Markdown.

Both sides are processes that stay and work only when a line on their stdin asks them to; while one works the others
are blocked reading. A pause before each turn lets threads that spin at a barrier fall asleep. Every number is a median
with what it lies between, [first to third quartile] when there are enough; nothing is asserted.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PARTS = ("step", "data", "epoch", "eval", "json", "growth")


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=PARTS + ("all",))
    parser.add_argument("--build", default="build/bench")
    parser.add_argument("--quick", action="store_true", help="about two minutes for everything: fewer sizes and turns")
    parser.add_argument("--variants", nargs="+", default=None)
    parser.add_argument("--sizes", nargs="+", type=int, default=None, help="px")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--classes", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=None, help="turns of each side")
    parser.add_argument("--workers", nargs="+", type=int, default=None, help="epoch: loader workers to try")
    parser.add_argument("--cache", choices=["no", "yes", "both"], default=None, help="data, epoch: with decoded pictures kept or not")
    parser.add_argument("--pictures", default=None, help="folder with annotations/, train2017/, val2017/")
    parser.add_argument("--weights", default=None, help="eval: a state dict of Megvii's nano for the pictures' classes")
    parser.add_argument("--annotations", default=None, help="json: a COCO file, default a made-up one of 124 MB")
    parser.add_argument("--results", default=None, help="json: detections to judge against it")
    return parser.parse_args()


args = parse()
megvii = os.environ.get("GRAPNEL_MEGVII_YOLOX", "")
python = os.environ.get("GRAPNEL_PYTHON", "/usr/bin/python3")
work = os.path.join(args.build, "bench_data")


def program(name):
    return os.path.join(args.build, "bin" if name == "grapnel" else "tests", name)


# ---- numbers and tables
def quartiles(values):
    cut = statistics.quantiles(values, n=4, method="inclusive")
    return cut[0], cut[2]


def spread(values, digits=1):
    """Median [quartiles] least to most."""
    if not values:
        return "-"
    form = "%%.%df" % digits
    text = form % statistics.median(values)
    if len(values) >= 8:
        text += " [" + " to ".join(form % q for q in quartiles(values)) + "]"
    if len(values) >= 2:
        text += " " + form % min(values) + " to " + form % max(values)
    return text


def ratio(theirs, ours):
    if not theirs or not ours:
        return "-"
    return "%.2f" % (statistics.median(theirs) / statistics.median(ours))


def table(title, columns, rows):
    print("\n**%s**\n" % title)
    print("| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    sys.stdout.flush()


def note(text):
    print("\n" + text, flush=True)


def progress(text):
    print("side_by_side.py: " + text, file=sys.stderr, flush=True)


def cpu_flags():
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("flags"):
                return line.split(":")[1].split()
    return []


def print_machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    memory = next(int(line.split()[1]) for line in open("/proc/meminfo") if line.startswith("MemTotal")) / 1048576
    isa = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in cpu_flags()]
    print("%s, %d processors usable, %.0f GiB, %s; load before: %.2f" % (
        model, len(os.sched_getaffinity(0)), memory, " ".join(isa), os.getloadavg()[0]))
    print("Milliseconds unless said otherwise: median [quartiles] least to most; %d threads, batches of %d." % (args.threads, args.batch))


# ---- the two sides
def plain_environment():
    """Without what tunes either side: a shell's settings would make the two unlike."""
    kept = dict(os.environ)
    for name in ("ATEN_CPU_CAPABILITY", "OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "OPENBLAS_NUM_THREADS",
                 "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_", "GRAPNEL_TUNED"):
        kept.pop(name, None)
    return kept


def tuned_environment():
    """The best that environment variables do for Python: the widest instructions, and pages kept by malloc."""
    settings = dict(plain_environment(), MALLOC_MMAP_THRESHOLD_=str(1 << 30), MALLOC_TRIM_THRESHOLD_="2000000000",
                    MALLOC_TOP_PAD_=str(64 << 20))
    if "avx512f" in cpu_flags():
        settings["ATEN_CPU_CAPABILITY"] = "avx512"
    return settings


def megvii_command(part, *options):
    return [python, os.path.join(HERE, "megvii_yolox.py"), part] + [str(option) for option in options]


def megvii_is_there():
    if not megvii:
        note("Python's side skipped: GRAPNEL_MEGVII_YOLOX does not name a checkout of Megvii's YOLOX.")
        return False
    check = subprocess.run([python, "-c", "import sys; sys.path.insert(0, %r); import yolox.exp, yolox.data, yolox.models, "
                            "yolox.evaluators, pycocotools" % megvii], capture_output=True, text=True)
    if check.returncode != 0:
        note("Python's side skipped: %s cannot import it: %s" % (python, check.stderr.strip().split("\n")[-1]))
        return False
    return True


class Worker:
    """A process that serves: "steps N" in, a line of JSON out."""

    def __init__(self, command, environment):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.command = command
        self.setting = self.read()["ready"]
        self.times = {}
        self.peak_mb = 0
        self.last = {}

    def read(self):
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit("side_by_side.py: ended early: " + " ".join(self.command))
            if line.startswith("{"):
                return json.loads(line)

    def turn(self, count, keep=True):
        self.process.stdin.write("steps %d\n" % count)
        self.process.stdin.flush()
        self.last = self.read()
        self.peak_mb = self.last["peak_mb"]
        if keep:
            for name, values in self.last.items():
                if isinstance(values, list):
                    self.times.setdefault(name, []).extend(values)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def take_turns(workers, rounds, per_turn, warm_up):
    """Every worker makes `rounds` turns; the order turns round each time, so that a drift hits all alike."""
    for worker in workers:
        worker.turn(warm_up, keep=False)
    for number in range(rounds):
        for worker in workers if number % 2 == 0 else reversed(workers):
            time.sleep(0.06)
            worker.turn(per_turn)
    for worker in workers:
        worker.end()


def run_measured(command, environment):
    """(what it printed, seconds, peak MB) of a program run from start to end."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status != 0:
        raise SystemExit("side_by_side.py: failed: %s\n%s" % (" ".join(command), printed[-3000:]))
    return printed, seconds, usage.ru_maxrss / 1024


def run_once(command, environment):
    """(its last line of JSON, seconds)"""
    printed, seconds, _ = run_measured(command, environment)
    return json.loads([line for line in printed.split("\n") if line.startswith("{")][-1]), seconds


# ---- step
def step_command(variant, size, batch, threads, classes, *more):
    return [program("yolox_step_bench"), "--serve", "--variant", variant, "--size", str(size), "--batch", str(batch),
            "--threads", str(threads), "--classes", str(classes)] + list(more)


def step():
    variants = args.variants or (["nano"] if args.quick else ["nano", "tiny", "s"])
    sizes = args.sizes or ([256] if args.quick else [160, 256, 416])
    rounds = args.rounds or (3 if args.quick else 6)
    has_python = megvii_is_there()
    totals, parts, memory = [], [], []
    for variant in variants:
        for size in sizes:
            progress("step: %s at %d px" % (variant, size))
            options = ["--variant", variant, "--size", size, "--batch", args.batch, "--threads", args.threads, "--classes", args.classes]
            sides = {}
            if has_python:
                sides["Python as shipped"] = Worker(megvii_command("step", *options), plain_environment())
                sides["Python's best setting"] = Worker(megvii_command("step", "--channels-last", *options), tuned_environment())
            ours = step_command(variant, size, args.batch, args.threads, args.classes)
            sides["Grapnel float32"] = Worker(ours, plain_environment())
            sides["Grapnel bf16"] = Worker(ours + ["--bf16"], plain_environment())
            take_turns(list(sides.values()), rounds, 3, 3)
            total = {name: side.times["total"] for name, side in sides.items()}
            shipped, best = total.get("Python as shipped"), total.get("Python's best setting")
            totals.append([variant, size] + [spread(total.get(name, []), 1) for name in (
                "Python as shipped", "Python's best setting", "Grapnel float32", "Grapnel bf16")] + [
                ratio(shipped, total["Grapnel float32"]), ratio(best, total["Grapnel float32"]), ratio(shipped, total["Grapnel bf16"])])
            for name, side in sides.items():
                parts.append([variant, size, name] + [spread(side.times.get(part, []), 1)
                                                      for part in ("forward", "loss", "backward", "optimizer", "ema")])
                memory.append([variant, size, name, "%.0f" % side.peak_mb])
    table("A training step without its data (forward, loss, backward, optimiser), %d classes" % args.classes,
          ["network", "px", "Python as shipped", "Python's best setting", "Grapnel float32", "Grapnel bf16", "shipped / float32",
           "best / float32", "shipped / bf16"], totals)
    table("Its parts (Grapnel's EMA is a hook: see `epoch`)",
          ["network", "px", "side", "forward", "loss", "backward", "optimiser", "EMA"], parts)
    table("Peak memory, MB", ["network", "px", "side", "peak"], memory)


# ---- pictures
def caches(default):
    return {"no": (False,), "yes": (True,), "both": (False, True)}[args.cache or default]


def pictures():
    if args.pictures:
        return args.pictures
    folder = os.path.join(work, "pictures-quick" if args.quick else "pictures")
    if not os.path.exists(os.path.join(folder, "annotations", "instances_val2017.json")):
        progress("making pictures in " + folder)
        count = ["--train", "160", "--val", "48"] if args.quick else ["--train", "400", "--val", "200"]
        subprocess.run([python, os.path.join(HERE, "make_pictures.py"), folder] + count, check=True)
    return os.path.abspath(folder)


def describe_pictures(folder):
    with open(os.path.join(folder, "annotations", "instances_train2017.json")) as file:
        truth = json.load(file)
    files = [os.path.join(folder, "train2017", image["file_name"]) for image in truth["images"]]
    note("%d training pictures, the first of %d x %d px; %.0f kB each; %.1f boxes a picture; %d classes." % (
        len(files), truth["images"][0]["width"], truth["images"][0]["height"],
        sum(os.path.getsize(name) for name in files) / len(files) / 1000, len(truth["annotations"]) / len(files), len(truth["categories"])))
    return len(truth["categories"])


def train_pipeline(size, mixup):
    both = "[%d, %d]" % (size, size)
    steps = ["{ type = \"Mosaic\", img_scale = %s }" % both, "{ type = \"RandomAffine\", scaling_ratio_range = [%s] }" % (
        "0.1, 2.0" if mixup else "0.5, 1.5")]
    if mixup:
        steps.append("{ type = \"MixUp\", img_scale = %s }" % both)
    steps += ["{ type = \"YOLOXHSVRandomAug\" }", "{ type = \"RandomFlip\", prob = 0.5 }",
              "{ type = \"Resize\", scale = %s, keep_ratio = true }" % both, "{ type = \"Pad\", size = %s }" % both,
              "{ type = \"FilterAnnotations\", min_gt_bbox_wh = [1, 1] }"]
    return "[" + ", ".join(steps) + "]"


def sets(**values):
    options = []
    for key, value in values.items():
        options += ["--set", "%s=%s" % (key.replace("__", "."), value)]
    return options


def grapnel_settings(folder, size, variant, classes):
    both = "[%d, %d]" % (size, size)
    return sets(
        model__variant=json.dumps(variant), model__num_classes=classes, model__input_size=both,
        train_dataloader__dataset__data_root=json.dumps(folder), val_dataloader__dataset__data_root=json.dumps(folder),
        train_dataloader__dataset__pipeline=train_pipeline(size, False), train_dataloader__batch_size=args.batch,
        val_dataloader__dataset__pipeline="[{ type = \"Resize\", scale = %s, keep_ratio = true }, { type = \"Pad\", size = %s }]" % (both, both),
        val_dataloader__batch_size=args.batch, env_cfg__num_threads=args.threads)


# ---- data
def data():
    folder, sizes = pictures(), args.sizes or ([256] if args.quick else [160, 256, 416, 640])
    classes = describe_pictures(folder)
    rounds = args.rounds or (2 if args.quick else 4)
    has_python = megvii_is_there()
    one_core = ["taskset", "-c", str(max(os.sched_getaffinity(0)))]
    recipes = {"mosaic_mixup": ["--variant", "s"], "nano_recipe": ["--variant", "nano", "--mosaic-prob", 0.5]}
    if args.quick:
        del recipes["nano_recipe"]
    rows = []
    for recipe, options in recipes.items():
        for size in sizes:
            for cached in caches("both"):
                progress("data: %s, %d px, %s" % (recipe, size, "cached" if cached else "no cache"))
                theirs, ours, peaks = [], [], ["-", "-"]
                if has_python:
                    worker = Worker(one_core + megvii_command("data", "--data", folder, "--size", size, "--threads", 1, "--classes", classes,
                                                              *options, *(["--cache"] if cached else [])), plain_environment())
                    worker.turn(30, keep=False)
                for _ in range(rounds):
                    if has_python:
                        for _ in range(3):
                            worker.turn(30)
                            theirs.append(30 * 1000 / worker.last["total"][0])
                        peaks[0] = "%.0f" % worker.peak_mb
                    printed, _, peak = run_measured(one_core + [
                        program("data_bench"), os.path.join(folder, "annotations", "instances_train2017.json"), os.path.join(folder, "train2017"),
                        str(size), "4096" if cached else "0", "1.5", recipe], plain_environment())
                    ours.append(float(printed.split("images/s")[0].split()[-1]))
                    peaks[1] = "%.0f" % peak
                if has_python:
                    worker.end()
                rows.append([recipe, size, "yes" if cached else "no", spread(theirs, 0), spread(ours, 0), ratio(ours, theirs)] + peaks)
    table("Training pictures a second on one core (mosaic_mixup: mosaic, affine, mixup, HSV, flip; nano_recipe: half of them mosaics, no mixup)",
          ["pipeline", "px", "cache", "Python", "Grapnel (medians of 1.5 s)", "Grapnel / Python", "Python's peak MB", "Grapnel's peak MB"], rows)


# ---- epoch
def python_epochs(folder, classes, size, variant, workers, epochs, cache, best):
    options = ["--variant", variant, "--data", folder, "--size", size, "--classes", classes, "--threads", args.threads, "--batch", args.batch,
               "--workers", workers, "--epochs", epochs, "--lr", 0.01 / args.batch, "--mixup", 0, "--mosaic-scale", 0.5, 1.5]
    options += (["--cache"] if cache else []) + (["--channels-last"] if best else [])
    return run_once(megvii_command("train", *options), tuned_environment() if best else plain_environment())[0]


def grapnel_epochs(folder, classes, size, variant, workers, epochs, cache_mb, bf16=False):
    """Seconds of every epoch after the first, from when the line that ends each arrives; and the hooks' time table."""
    with open(os.path.join(folder, "annotations", "instances_train2017.json")) as file:
        iters = -(-len(json.load(file)["images"]) // args.batch)
    command = [program("grapnel"), "train", os.path.join(HERE, "yolox_bench.toml")] + grapnel_settings(folder, size, variant, classes) + sets(
        work_dir=json.dumps(os.path.join(work, "run")), train_dataloader__num_workers=workers, train_dataloader__dataset__cache_mb=cache_mb,
        train_cfg__max_epochs=epochs, val_cfg="false", default_hooks__logger="{ type = \"LoggerHook\", interval = %d }" % iters,
        default_hooks__checkpoint="{ type = \"CheckpointHook\", interval = 1000, save_last = false }")
    if bf16:
        command += sets(optim_wrapper__type="\"AmpOptimWrapper\"")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=plain_environment())
    stamps, lines = [], []
    for line in process.stdout:
        lines.append(line)
        if "Epoch(train)" in line:
            stamps.append(time.perf_counter())
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0 or len(stamps) != epochs:
        raise SystemExit("side_by_side.py: failed: %s\n%s" % (" ".join(command), "".join(lines)[-3000:]))
    ema = [line.split() for line in lines if line.startswith("EMAHook") and "after_train_iter" in line]
    return {"epoch_s": [0] + [b - a for a, b in zip(stamps, stamps[1:])], "pictures": iters * args.batch,
            "peak_mb": usage.ru_maxrss / 1024, "ema_us": float(ema[0][-1]) if ema else 0}


def rates(answer):
    """The first epoch decodes and warms up: left out on both sides."""
    return [answer["pictures"] / seconds for seconds in answer["epoch_s"][1:]]


def epoch():
    folder = pictures()
    classes = describe_pictures(folder)
    has_python = megvii_is_there()
    variant, rounds = (args.variants or ["nano"])[0], args.rounds or (1 if args.quick else 2)
    rows, settings = [], []
    for size in args.sizes or [256]:
        for cached in caches("yes" if args.quick else "both"):
            best_workers = {}
            tried = args.workers or ([0, 2] if args.quick else [0, 1, 2, 4])
            for side in (["Python"] if has_python else []) + ["Grapnel"]:
                found = {}
                for workers in tried:
                    progress("epoch: %d px, %s, %s with %d workers" % (size, "cached" if cached else "no cache", side, workers))
                    answer = (python_epochs(folder, classes, size, variant, workers, 2, cached, True) if side == "Python" else
                              grapnel_epochs(folder, classes, size, variant, workers, 3, 4096 if cached else 0))
                    found[workers] = statistics.median(rates(answer))
                best_workers[side] = max(found, key=found.get)
                settings.append([size, "yes" if cached else "no", side] + ["%.1f" % found[w] for w in tried])
            collected = {"Python": [], "Grapnel": [], "Grapnel bf16": []}
            peaks, ema_us = {"Python": 0, "Grapnel": 0}, 0
            for number in range(rounds):
                progress("epoch: turn %d of %d" % (number + 1, rounds))
                if has_python:
                    answer = python_epochs(folder, classes, size, variant, best_workers["Python"], 3, cached, True)
                    collected["Python"] += rates(answer)
                    peaks["Python"] = max(peaks["Python"], answer["peak_mb"])
                answer = grapnel_epochs(folder, classes, size, variant, best_workers["Grapnel"], 4, 4096 if cached else 0)
                collected["Grapnel"] += rates(answer)
                peaks["Grapnel"], ema_us = max(peaks["Grapnel"], answer["peak_mb"]), answer["ema_us"]
            rows.append([variant, size, "yes" if cached else "no", spread(collected["Python"]), spread(collected["Grapnel"]),
                         ratio(collected["Grapnel"], collected["Python"]), "%.0f" % peaks["Python"], "%.0f" % peaks["Grapnel"],
                         "%.2f" % (ema_us / 1000)])
    table("Loader workers tried, pictures a second (Python in its best setting)", ["px", "cache", "side"] + ["%d workers" % w for w in tried], settings)
    table("A training epoch with its data, EMA and hooks: pictures a second (the best number of workers on both sides)",
          ["network", "px", "cache", "Python's best setting", "Grapnel float32", "Grapnel / Python", "Python's peak MB",
           "Grapnel's peak MB", "EMAHook, ms a step"], rows)


# ---- eval
def evaluation():
    folder = pictures()
    classes = describe_pictures(folder)
    if not megvii_is_there():
        return
    size, rounds = (args.sizes or [256])[0], args.rounds or (1 if args.quick else 3)
    weights = args.weights
    if not weights:
        weights = os.path.join(os.path.abspath(work), "nano-%d.pth" % size)
        if not os.path.exists(weights):
            progress("eval: training weights to evaluate")
            run_once(megvii_command("train", "--data", folder, "--size", size, "--classes", classes, "--threads", args.threads, "--epochs",
                                    2 if args.quick else 6, "--lr", 0.01 / args.batch, "--cache", "--channels-last", "--weights", weights,
                                    "--mixup", 0), tuned_environment())
    options = ["--data", folder, "--size", size, "--classes", classes, "--threads", args.threads, "--batch", args.batch, "--weights", weights]
    ours = [program("grapnel"), "val", os.path.join(HERE, "yolox_bench.toml"), "--checkpoint", weights] + grapnel_settings(
        folder, size, "nano", classes) + sets(work_dir=json.dumps(os.path.join(work, "run")))
    python_s, python_all_s, grapnel_s, found = [], [], [], {}
    for number in range(rounds):
        progress("eval: turn %d of %d" % (number + 1, rounds))
        answer, seconds = run_once(megvii_command("eval", "--channels-last", *options), tuned_environment())
        python_s.append(answer["total_s"])
        python_all_s.append(seconds)
        found["Python"] = (answer["ap"], answer["ap50"])
        printed, seconds, peak = run_measured(ours, plain_environment())
        grapnel_s.append(seconds)
        values = dict(line.split() for line in printed.split("\n") if line.startswith("coco/bbox_mAP"))
        found["Grapnel"] = (float(values["coco/bbox_mAP"]), float(values["coco/bbox_mAP_50"]))
    table("Evaluating the same weights (nano, %d px, %d pictures): inference, NMS, COCO metrics; seconds" % (size, answer["pictures"]),
          ["", "evaluator alone", "whole process", "AP", "AP50", "peak MB"],
          [["Python's best setting", spread(python_s, 2), spread(python_all_s, 2), "%.4f" % found["Python"][0], "%.4f" % found["Python"][1],
            "%.0f" % answer["peak_mb"]],
           ["Grapnel", "-", spread(grapnel_s, 2), "%.4f" % found["Grapnel"][0], "%.4f" % found["Grapnel"][1], "%.0f" % peak],
           ["Python / Grapnel's whole process", ratio(python_s, grapnel_s), ratio(python_all_s, grapnel_s), "", "", ""]])


# ---- json
def json_files():
    annotations, results = args.annotations, args.results
    if annotations is None:
        os.makedirs(work, exist_ok=True)
        count = (2000, 20000) if args.quick else (20000, 230000)
        annotations, results = (os.path.join(work, "%s-%d.json" % (kind, count[0])) for kind in ("annotations", "results"))
        if not os.path.exists(results):
            progress("json: making a COCO file")
            subprocess.run([sys.executable, os.path.join(HERE, "make_annotations.py"), annotations, "--polygons", "--images", str(count[0]),
                            "--boxes", str(count[1]), "--results", results], check=True)
    return annotations, results


def json_part():
    annotations, results = json_files()
    megabytes = os.path.getsize(annotations) / 1e6
    has_python, rounds = megvii_is_there(), args.rounds or (1 if args.quick else 5)
    ours, parsed, indexed, judged, peaks = [], [], [], {}, {}
    for number in range(rounds):
        progress("json: turn %d of %d" % (number + 1, rounds))
        answer, _ = run_once([program("coco_read_bench"), annotations], plain_environment())
        ours.append(answer["read_s"])
        peaks["Grapnel"] = answer["peak_mb"]
        if has_python:
            answer, _ = run_once(megvii_command("coco-read", "--annotations", annotations), plain_environment())
            parsed.append(answer["json_s"])
            indexed.append(answer["coco_s"])
            peaks["Python"] = answer["peak_mb"]
    rate = lambda seconds: [megabytes / s for s in seconds]
    table("Reading a COCO file of %.0f MB" % megabytes, ["", "seconds", "MB/s", "peak MB"],
          [["Python: json.load", spread(parsed, 2), spread(rate(parsed), 0), ""],
           ["Python: pycocotools' COCO()", spread(indexed, 2), spread(rate(indexed), 0), "%.0f" % peaks.get("Python", 0)],
           ["Grapnel: read_coco_annotations", spread(ours, 3), spread(rate(ours), 0), "%.0f" % peaks["Grapnel"]],
           ["COCO() / Grapnel", ratio(indexed, ours), "", ""]])
    if not results:
        return
    sides = {"Grapnel": [], "Python: pycocotools": [], "Python: Megvii's C++": []}
    stats = {}
    for number in range(1 if args.quick else 3):
        answer, seconds = run_once([program("grapnel"), "coco-eval", annotations, results, "--json"], plain_environment())
        sides["Grapnel"].append(seconds)
        stats["Grapnel"] = answer["stats"]["AP"]
        if has_python:
            answer, _ = run_once(megvii_command("coco-eval", "--annotations", annotations, "--results", results), plain_environment())
            sides["Python: pycocotools"].append(answer["read_s"] + answer["pycocotools_s"])
            stats["Python"] = answer["ap"]
            if "megvii_s" in answer:
                sides["Python: Megvii's C++"].append(answer["read_s"] + answer["megvii_s"])
            else:
                note("Megvii's C++ evaluation did not build: " + answer["megvii_error"])
    table("Judging a results file of %.0f MB against it, both files read: seconds" % (os.path.getsize(results) / 1e6), ["", "seconds", "slower than Grapnel", "AP"],
          [[name, spread(seconds, 2), ratio(seconds, sides["Grapnel"]), repr(stats.get(name.split(":")[0], ""))] for name, seconds in sides.items()])


# ---- growth
def growth():
    has_python = megvii_is_there()
    rounds = 2 if args.quick else 3
    rows = []
    for threads in (1, 2):
        for size in (256,) if args.quick else (160, 256, 416, 640):
            row = [threads, size]
            for batch in (1, 8) if args.quick else (1, 2, 4, 8, 16, 32):
                progress("growth: %d threads, %d px, batch %d" % (threads, size, batch))
                worker = Worker(step_command("nano", size, batch, threads, args.classes), plain_environment())
                worker.turn(2, keep=False)
                for _ in range(rounds):
                    worker.turn(2)
                worker.end()
                row.append("%.2f (%.0f MB)" % (statistics.median(worker.times["total"]) / batch, worker.peak_mb))
            rows.append(row)
    table("Grapnel's nano step, float32: milliseconds a picture (peak memory)",
          ["threads", "px"] + ["batch %d" % b for b in ((1, 8) if args.quick else (1, 2, 4, 8, 16, 32))], rows)
    grow_sets(has_python)


def grow_sets(has_python):
    """What a data set costs before its first picture. The pictures are links to a few files: all are looked for."""
    source = os.path.join(pictures(), "train2017")
    some = sorted(os.listdir(source))[:16]
    rows = []
    for count in (1000, 10000) if args.quick else (1000, 3000, 10000, 30000, 100000):
        progress("growth: a set of %d pictures" % count)
        folder = os.path.join(work, "growth")
        os.makedirs(os.path.join(folder, "train2017"), exist_ok=True)
        os.makedirs(os.path.join(folder, "annotations"), exist_ok=True)
        annotations = os.path.join(folder, "annotations", "instances_train2017.json")
        subprocess.run([sys.executable, os.path.join(HERE, "make_annotations.py"), annotations, "--images", str(count), "--boxes", str(count * 7)], check=True)
        for number in range(count):
            link = os.path.join(folder, "train2017", "%012d.jpg" % (number + 1))
            if not os.path.lexists(link):
                os.symlink(os.path.join(source, some[number % len(some)]), link)
        ours = [run_once([program("coco_read_bench"), os.path.abspath(annotations), os.path.abspath(os.path.join(folder, "train2017"))], plain_environment())[0]
                for _ in range(1 if args.quick else 3)]
        theirs = [run_once(megvii_command("dataset", "--data", os.path.abspath(folder), "--classes", 80), plain_environment())[0]] if has_python else []
        middle = lambda answers, key: "%.3f" % statistics.median(answer[key] for answer in answers) if answers else "-"
        rows.append([count, "%.1f" % ours[0]["file_mb"], middle(ours, "dataset_s"), middle(theirs, "dataset_s"), middle(ours, "shuffle_s"),
                     middle(theirs, "shuffle_s"), "%.0f" % ours[0]["peak_mb"], "%.0f" % theirs[0]["peak_mb"] if theirs else "-"])
    table("Making a data set and its order, seconds (memory at its peak, MB; Python's includes its imports)",
          ["pictures", "file, MB", "Grapnel: read", "Python: read", "Grapnel: shuffle", "Python: shuffle", "Grapnel: memory", "Python: memory"], rows)


def main():
    print_machine()
    chosen = PARTS if args.part == "all" else (args.part,)
    for part in chosen:
        {"step": step, "data": data, "epoch": epoch, "eval": evaluation, "json": json_part, "growth": growth}[part]()


if __name__ == "__main__":
    main()
