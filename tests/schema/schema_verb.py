"""`grapnel config schema` as an editor uses it: its schema judges config files, with and without bases."""
import json
import os
import shutil
import sys
import tempfile

from validation import Checks, places, read_toml, run, validator

PARTS_THAT_ARE_RIGHT = """
_base_ = "base.toml"
[model]
variant = "l"
[train_cfg]
max_iters = 5
[train_dataloader.dataset]
_delete_ = true
data_root = "elsewhere"
pipeline = [{ type = "Mosaic", img_scale = [64, 64] }]
[optim_wrapper.optimizer]
betas = [0.9, 0.99]
[default_hooks.checkpoint]
interval = 2
[default_hooks]
timer = false
mine = { type = "EMAHook", priority = "LOW" }
"""

COCO = "[val_dataloader]\nbatch_size = 1\n[val_dataloader.dataset]\ntype = 'CocoDataset'\nann_file = 'a'\n"
DETECTION = ("[model]\ntype = 'YOLOX'\nvariant = 's'\n"
             "[val_dataloader]\nbatch_size = 1\n[val_dataloader.dataset]\n")

# A config, where it is wrong, and a word of what is said.
WRONG = [
    ("work_dirs = 'x'", "", "work_dirs"),
    ("log_level = 'LOUD'", "log_level", "LOUD"),
    ("resume = 'yes'", "resume", "boolean"),
    ("max_epochs = 3", "max_epochs", "should not be valid"),
    ("_base_ = ''", "_base_", "short"),
    ("[randomness]\nseed = -1", "randomness.seed", "minimum"),
    ("[model]\ntype = 'YOLOY'", "model.type", "YOLOY"),
    ("[model]\ntype = 'YOLOX'", "model", "variant"),
    ("[model]\ntype = 'YOLOX'\nvariant = 's'\nchannels = 3", "model", "channels"),
    ("_base_ = 'x.toml'\n[model]\nvariant = 'q'", "model.variant", "q"),
    ("_base_ = 'x.toml'\n[model]\nvariante = 'l'", "model", "variante"),
    ("[train_cfg]\nmax_epochs = 'many'", "train_cfg.max_epochs", "integer"),
    ("[train_cfg]\ntype = 'IterBasedTrainLoop'\nmax_epochs = 3", "train_cfg", "max_epochs"),
    ("[train_cfg]\nval_interval = 2", "train_cfg", "max_epochs"),
    ("[train_cfg]\nmax_epochs = 3\ndynamic_intervals = [[3]]", "train_cfg.dynamic_intervals.0", "short"),
    ("[val_cfg]\nfp16 = \"yes\"", "val_cfg.fp16", "is not of type 'boolean'"),
    ("val_cfg = true", "val_cfg", "False"),
    ("[val_dataloader]\nbatch_size = 0\ndataset = { ann_file = 'a' }", "val_dataloader.batch_size", "minimum"),
    ("[val_dataloader]\ndataset = { ann_file = 'a' }", "val_dataloader", "batch_size"),
    (DETECTION + "data_root = 'a'", "val_dataloader.dataset", "ann_file"),
    (COCO + "pipeline = [{ type = 'RandomFlip', prob = 2 }]", "val_dataloader.dataset.pipeline.0.prob", "maximum"),
    (COCO + "pipeline = [{ type = 'Flip' }]", "val_dataloader.dataset.pipeline.0.type", "Flip"),
    (COCO + "max_samples = 3", "val_dataloader.dataset", "max_samples"),
    ("_base_ = 'x.toml'\n[val_dataloader.dataset]\npipeline = [{ type = 'RandomFlip' }, { type = 'Flip' }]",
     "val_dataloader.dataset.pipeline.1", "not valid"),
    ("[model]\ntype = 'SmallConvNet'\n" + COCO, "val_dataloader.dataset.type", "CocoDataset"),
    ("[optim_wrapper.optimizer]\ntype = 'SGD'\nlr = -1", "optim_wrapper.optimizer.lr", "minimum"),
    ("[optim_wrapper.optimizer]\ntype = 'Adam'\nlr = 1\nmomentum = 0.9", "optim_wrapper.optimizer", "momentum"),
    ("[[param_scheduler]]\ntype = 'MultiStepLR'", "param_scheduler.0", "milestones"),
    ("[[param_scheduler]]\ntype = 'LinearLR'\nstart_factor = 0", "param_scheduler.0.start_factor", "minimum"),
    ("[[custom_hooks]]\npriority = 3", "custom_hooks.0", "type"),
    ("[[custom_hooks]]\ntype = 'EMAHok'", "custom_hooks.0.type", "EMAHok"),
    ("[[custom_hooks]]\ntype = 'EMAHook'\nmomentun = 0.1", "custom_hooks.0", "momentun"),
    ("[[custom_hooks]]\ntype = 'EMAHook'\npriority = 101", "custom_hooks.0.priority", "101"),
    ("[[custom_hooks]]\ntype = 'EMAHook'\non_error = 'ignore'", "custom_hooks.0.on_error", "ignore"),
    ("[[custom_hooks]]\ntype = 'EMAHook'\nsha256 = 'abc'", "custom_hooks.0.sha256", "match"),
    ("[default_hooks]\ntimer = true", "default_hooks.timer", "False"),
    ("[default_hooks.checkpoint]\ninterval = 'often'", "default_hooks.checkpoint.interval", "integer"),
    ("[default_hooks.mine]\npriority = 3", "default_hooks.mine", "type"),
    ("[[custom_hooks]]\ntype = 'EveryOptionHook'", "custom_hooks.0", "count"),
    ("[[custom_hooks]]\ntype = 'EveryOptionHook'\ncount = 11", "custom_hooks.0.count", "maximum"),
    ("[[custom_hooks]]\ntype = 'EveryOptionHook'\ncount = 1\ncolour = 'grey'", "custom_hooks.0.colour", "grey"),
    ("[[custom_hooks]]\ntype = 'EveryOptionHook'\ncount = 1\nrange = [1]", "custom_hooks.0.range", "short"),
    ("[[custom_hooks]]\ntype = 'EveryOptionHook'\ncount = 1\nrange = [1, 100]", "custom_hooks.0.range.1",
     "maximum"),
]


def parsed(text):
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(text)
        file.flush()
        return read_toml(file.name)


def check_wrong_configs(schema, check):
    for text, where, word in WRONG:
        errors = places(schema, parsed(text))
        check(any(path == where and word in message for path, message in errors),
              f"{text!r}: {errors[:3]}, expected {word!r} at {where!r}")
        check(all(path.startswith(where) for path, _ in errors), f"{text!r} is also wrong elsewhere: {errors}")


def check_shipped_configs(schema, program, source, check):
    folder = f"{source}/host/configs"
    files = sorted(name for name in os.listdir(folder) if name.endswith(".toml"))
    check(len(files) >= 8, f"{len(files)} shipped configs")
    for name in files:
        path = f"{folder}/{name}"
        for kind, text in (("as written", None), ("resolved", run(program, "config", "show", path)[0])):
            document = read_toml(path) if text is None else parsed(text)
            check(not places(schema, document), f"{name} {kind}: {places(schema, document)}")


def check_third_party_hook(schema, check):
    hook = schema.schema["definitions"]["hook.EveryOptionHook"]
    options = hook["properties"]
    expected = {
        "flag": {"description": "a switch", "type": "boolean", "default": True},
        "count": {"description": "how many", "type": "integer", "minimum": 1, "maximum": 10},
        "share": {"description": "a part of one", "type": "number", "minimum": 0, "maximum": 1, "default": 0.5},
        "limit": {"description": "in seconds", "type": "number", "minimum": 0},
        "colour": {"description": "of the line", "enum": ["red", "green", "blue"], "default": "red"},
        "label": {"description": "any text", "type": "string"},
        "flags": {"description": "switches", "type": "array", "items": {"type": "boolean"}, "maxItems": 3,
                  "default": []},
        "range": {"description": "lowest and highest", "type": "array", "minItems": 2, "maxItems": 2,
                  "items": {"type": "integer", "minimum": 1, "maximum": 99}, "default": [14, 26]},
        "weights": {"description": "at least one", "type": "array", "minItems": 1,
                    "items": {"type": "number", "minimum": 0}, "default": [1]},
        "colours": {"description": "to use", "type": "array", "minItems": 1, "maxItems": 3,
                    "items": {"enum": ["red", "green", "blue"]}, "default": ["red", "blue"]},
        "rules": {"description": "anything", "default": {"a": [1]}},
    }
    for name, content in expected.items():
        check(options.get(name) == content, f"EveryOptionHook.{name} is {options.get(name)}")
    check(options["priority"]["default"] == 70, "its own priority is not the default")
    check("shows every kind of option" in options["type"]["description"], "its summary is not said")
    check("EveryOptionHook" in schema.schema["definitions"]["hook"]["properties"]["type"]["enum"],
          "its type is not offered")


def check_that_config_check_agrees(program, check):
    """What the schema says of data and evaluators, `config check` says too, without opening any data."""
    wrong = {"prob = 2": "val_dataloader.dataset.pipeline.0.prob", "chance = 1": "pipeline.0.chance"}
    for option, place in wrong.items():
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write(DETECTION + f"ann_file = 'a'\npipeline = [{{ type = 'RandomFlip', {option} }}]\n")
            file.flush()
            _, message = run(program, "config", "check", file.name, expect=2)
        check(place in message, f"config check says of {option}: {message}")


def check_plugin_folders(program, build, check):
    """--directory and [plugins] choose where hooks are searched; a broken file is left out with a warning."""
    own = f"{build}/tests/schema_plugins"
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        shutil.copy(f"{own}/EveryOptionHook.so", folder)
        with open(f"{folder}/broken.so", "w", encoding="utf-8") as file:
            file.write("no plugin")
        shutil.copy(f"{build}/tests/faulty_plugins/crashes_in_initializer.so", folder)
        text, warnings = run(program, "config", "schema", "--directory", folder)
        types = validator(text).schema["definitions"]["hook"]["properties"]["type"]["enum"]
        check(types == ["EveryOptionHook"], f"--directory finds {types}")
        for name in ("broken.so", "crashes_in_initializer.so"):
            check(name in warnings, f"nothing is said of {name}: {warnings}")

        with open(f"{folder}/c.toml", "w", encoding="utf-8") as file:
            file.write("[plugins]\ndirectories = ['.']\n")
        text, _ = run(program, "config", "schema", "--config", f"{folder}/c.toml")
        types = validator(text).schema["definitions"]["hook"]["properties"]["type"]["enum"]
        check({"EveryOptionHook", "EMAHook", "CheckpointHook"} <= set(types), f"--config finds {types}")

    with tempfile.TemporaryDirectory() as empty:
        os.chmod(empty, 0o755)
        text, _ = run(program, "config", "schema", "--directory", empty)
        without = validator(text)
        check(places(without, parsed("[[custom_hooks]]\ntype = 'EMAHook'"))[0][0] == "custom_hooks.0.type",
              "without plugins a hook is still taken")
        check(not places(without, parsed("work_dir = 'x'")), "without plugins nothing is taken")


def main():
    program, build, source = sys.argv[1:]
    check = Checks()
    os.environ["GRAPNEL_PLUGIN_PATH"] = f"{build}/tests/schema_plugins"
    text, _ = run(program, "config", "schema")
    check(text == run(program, "config", "schema")[0], "two runs print different schemas")
    schema = validator(text)
    check(json.loads(text)["$schema"] == "http://json-schema.org/draft-07/schema#", "it does not say draft-07")
    check_shipped_configs(schema, program, source, check)
    check(not places(schema, parsed(PARTS_THAT_ARE_RIGHT)), f"{places(schema, parsed(PARTS_THAT_ARE_RIGHT))}")
    check_wrong_configs(schema, check)
    check_third_party_hook(schema, check)
    check_that_config_check_agrees(program, check)
    check_plugin_folders(program, build, check)
    run(program, "config", "schema", "--nonsense", expect=2)
    check.finish(at_least=125)


if __name__ == "__main__":
    main()
