"""The schema accepts what the readers of the config accept, and refuses what they refuse, at the same place.

Seeds are documents that reach every table the schema knows. In each, every table is taken in turn: each of
its keys is removed, and given every value of a pool that holds all kinds and the edges of the key's own range;
an unknown key is added. Both judge each of these documents. REFUSED_BY_READERS_ONLY says where they may differ.
"""
import copy
import glob
import json
import re
import sys

from validation import Checks, dotted, read_toml, run, validator

# What the readers say of a document that the schema accepts, and why a schema cannot say it.
REFUSED_BY_READERS_ONLY = [
    # What must come together. The schema judges files, and any file may be the base of another.
    r"the config has no loop to run",
    r"\w+ without \w+",
    r"an evaluator without data",
    r"a required key is missing: document:1, model\b",
    # Two values compared with each other.
    r"nesterov needs a momentum and no dampening",
    r"wrong dynamic_intervals.*milestones that do not rise",
    r"wrong range:.*\(lowest, highest\)",
    r"must be in ascending order",
    r"must be above begin",
    # The world outside of the document.
    r"the plugin folder cannot be used",
]
# Keys of files, which are gone when the readers see the config.
KEYS_OF_FILES = {"_base_", "_delete_"}

POOL = [True, False, 0, 1, -1, 3, 70000, 0.5, -0.5, 1.5, "", "x", [], [1, 2], [2, 1], [0.5, 1.5], [1, 2, 3],
        [40, 40], ["x", "x"], [True], [[1, 2]], [[1, 2], [5, 1]], [{}], {}, {"x": 1}, {"img": 5}, {"type": "x"}]


class Schema:
    """Finds which keys the schema allows in a table of a document, following the branches that apply."""

    def __init__(self, text):
        self.validator = validator(text)
        self.root = self.validator.schema

    def holds(self, schema, instance):
        return self.validator.evolve(schema=schema).is_valid(instance)

    def applying(self, schema, instance):
        """The parts of a schema that speak about an instance, without those that only help to complete."""
        if not isinstance(schema, dict):
            return
        if "$ref" in schema:
            name = schema["$ref"].removeprefix("#/definitions/")
            yield from self.applying(self.root["definitions"][name], instance)
            return
        yield schema
        for part in schema.get("allOf", []):
            yield from self.applying(part, instance)
        if "anyOf" in schema and schema["anyOf"][-1] is not True:
            for part in schema["anyOf"]:
                yield from self.applying(part, instance)
        if "if" in schema:
            branch = "then" if self.holds(schema["if"], instance) else "else"
            yield from self.applying(schema.get(branch), instance)

    def properties(self, schemas, instance):
        found = {}
        for schema in schemas:
            for part in self.applying(schema, instance):
                for key, value in part.get("properties", {}).items():
                    found.setdefault(key, []).append(value)
        return found

    def children(self, schemas, instance, key):
        """The schemas that speak about one member of an instance."""
        for schema in schemas:
            for part in self.applying(schema, instance):
                if isinstance(instance, list):
                    yield part.get("items", True)
                elif key in part.get("properties", {}):
                    yield part["properties"][key]
                else:
                    yield part.get("additionalProperties", True)

    def tables(self, document):
        """Each table in a document with its path and the schemas that speak about it."""
        pending = [((), document, [self.root])]
        while pending:
            path, instance, schemas = pending.pop()
            if isinstance(instance, dict):
                yield path, instance, schemas
            members = instance.items() if isinstance(instance, dict) else enumerate(instance)
            for key, value in members:
                if isinstance(value, (dict, list)):
                    pending.append((path + (key,), value, list(self.children(schemas, instance, key))))

    def edges(self, schemas):
        """Values at and beyond the limits that schemas set."""
        for schema in schemas:
            for part in self.applying(schema, None):
                yield from part.get("enum", [])
                for keyword in ("const", "default"):
                    if keyword in part:
                        yield part[keyword]
                for keyword in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
                    if keyword in part:
                        limit = part[keyword]
                        step = 1 if isinstance(limit, int) else 0.25
                        yield from (limit, limit - step, limit + step)
                if "items" in part:
                    items = list(self.edges([part["items"]]))
                    for count in {part.get("minItems", 1), part.get("maxItems", 2) + 1}:
                        yield from ([item] * count for item in items)

    def sample(self, schema):
        """Some value that a key takes."""
        schema = next(self.applying(schema, None))
        for keyword in ("default", "const", "minimum"):
            if keyword in schema:
                return schema[keyword]
        if "enum" in schema:
            return schema["enum"][0]
        samples = {"string": "x", "boolean": True, "array": [], "integer": 1, "number": 1, "object": {}}
        kind = schema.get("type", "object")
        return samples[kind[0] if isinstance(kind, list) else kind]


CLASSIFIER = {"model": {"type": "SmallConvNet"},
              "val_dataloader": {"batch_size": 1, "dataset": {"type": "FashionMNIST"}}}
DETECTOR = {"model": {"type": "YOLOX", "variant": "s"},
            "val_dataloader": {"batch_size": 1, "dataset": {"ann_file": "a.json"}}}
TRAINING = {"train_cfg": {"max_epochs": 3},
            "train_dataloader": {"batch_size": 8, "dataset": {"type": "FashionMNIST"}},
            "optim_wrapper": {"optimizer": {"type": "SGD", "lr": 0.1}}}


def merged(base, **more):
    return copy.deepcopy({**base, **more})


def variants(schema, name):
    """The types of a kind of table of which there are lists, each with a table that holds what it needs."""
    prefix = name + "."
    found = []
    for definition, content in schema.root["definitions"].items():
        variant = definition.removeprefix(prefix)
        if variant in (definition, "item", "any"):
            continue
        table = {"type": variant}
        checked = schema.validator.evolve(schema={"$ref": f"#/definitions/{name}.item",
                                                  "definitions": schema.root["definitions"]})
        for error in list(checked.iter_errors(table)):
            if error.validator == "required":
                for key in error.validator_value:
                    table.setdefault(key, schema.sample(content["properties"][key]))
        if name == "coco_transform":
            table.update({"Pad": {"size_divisor": 32}, "Resize": {"scale": 64}}.get(variant, {}))
        found.append((variant, table))
    return found


def seeds(schema):
    whole = {"randomness": {"seed": 3}, "env_cfg": {}, "plugins": {}, "val_cfg": {}, "val_evaluator": {},
             "test_dataloader": {"batch_size": 2, "dataset": {"type": "FashionMNIST"}}, "test_cfg": {},
             "test_evaluator": {}}
    yield merged(CLASSIFIER, **TRAINING, **whole)
    yield merged(CLASSIFIER, default_hooks={"logger": {}, "checkpoint": {"type": "LoggerHook"}, "timer": False,
                                            "more": {"type": "EMAHook"}})
    loader = {"batch_size": 1, "sampler": {}, "dataset": {"type": "FashionMNIST", "metainfo": {}}}
    yield merged(CLASSIFIER, **merged(TRAINING, train_dataloader=loader))
    yield merged(CLASSIFIER, **merged(TRAINING, optim_wrapper={
        "clip_grad": {"max_norm": 1}, "paramwise_cfg": {}, "optimizer": {"type": "SGD", "lr": 1}}))
    for loop in ({"type": "EpochBasedTrainLoop", "max_epochs": 3}, {"type": "IterBasedTrainLoop", "max_iters": 3},
                 {"by_epoch": True, "max_epochs": 3}, {"by_epoch": False, "max_iters": 3}):
        yield merged(CLASSIFIER, **merged(TRAINING, train_cfg=loop))
    yield merged(CLASSIFIER, **merged(TRAINING, optim_wrapper={
        "optimizer": {"type": "SGD", "lr": 1, "momentum": 0.5}}))
    for optimizer in schema.root["definitions"]["optimizer"]["properties"]["type"]["enum"]:
        yield merged(CLASSIFIER, **merged(TRAINING, optim_wrapper={"optimizer": {"type": optimizer, "lr": 1}}))
    for _, scheduler in variants(schema, "scheduler"):
        yield merged(CLASSIFIER, param_scheduler=[scheduler])
    yield merged(CLASSIFIER, param_scheduler={"type": "mmdet.QuadraticWarmupLR"})
    yield merged(CLASSIFIER, param_scheduler=[{"type": "LinearLR", "convert_to_iter_based": True, "end": 2}])
    for _, hook in variants(schema, "hook"):
        yield merged(CLASSIFIER, custom_hooks=[hook])

    yield merged(DETECTOR, model={"type": "YOLOX", "variant": "s", "test_cfg": {"nms": {}}}, val_evaluator={})
    pictures = {"ann_file": "a.json", "data_prefix": {}, "metainfo": {}, "filter_cfg": {}}
    yield merged(DETECTOR, val_dataloader={"batch_size": 1, "dataset": {"type": "CocoDataset", **pictures}})
    yield merged(DETECTOR, val_dataloader={"batch_size": 1, "dataset": {"type": "MultiImageMixDataset",
                                                                       "dataset": pictures}})
    for kind, base in (("coco_transform", DETECTOR), ("fashion_mnist_transform", CLASSIFIER)):
        for _, transform in variants(schema, kind):
            document = merged(base)
            document["val_dataloader"]["dataset"]["pipeline"] = [transform]
            yield document


def whole_float(value):
    """JSON Schema's integers include 1.0, the readers' don't: the one difference in kinds."""
    if isinstance(value, list):
        return any(whole_float(item) for item in value)
    return isinstance(value, float) and value.is_integer()


def table_at(document, path):
    for part in path:
        document = document[part]
    return document


def mutations(schema, document, done):
    """Documents that differ in one key, with the path of that key; each kind of table in `done` once only."""
    for path, table, schemas in schema.tables(document):
        told_apart_by = ("type", "by_epoch", "convert_to_iter_based", "momentum", "end")
        kind = json.dumps([path, [table.get(key) for key in told_apart_by], document["model"]["type"]])
        if kind in done:
            continue
        done.add(kind)
        allowed = schema.properties(schemas, table)
        for key in table:
            changed = copy.deepcopy(document)
            del table_at(changed, path)[key]
            yield path + (key,), changed
        for key in {**table, **allowed, "nobody_knows_this": []}:
            if key in KEYS_OF_FILES:
                continue
            values = POOL + list(schema.edges(allowed.get(key, [])))
            for value in {json.dumps(value): value for value in values if not whole_float(value)}.values():
                if table.get(key) == value and isinstance(table.get(key), type(value)):
                    continue
                changed = copy.deepcopy(document)
                table_at(changed, path)[key] = value
                yield path + (key,), changed


def described(document, path):
    """The table that was changed, or the whole of a seed."""
    return json.dumps(table_at(document, path[:-1]))[:300]


def is_near(error_path, path):
    """At the changed place, inside it, or at the table that holds it (where keys are missing or unknown)."""
    return error_path[:len(path)] == path or error_path == path[:-1]


def check_agreement(schema, program, plugins, check):
    documents = []
    done = set()
    for seed in seeds(schema):
        documents.append(((), seed))
        documents.extend(mutations(schema, seed, done))
    lines = "\n".join(json.dumps(document) for _, document in documents) + "\n"
    verdicts = run(program, "check", plugins, text_in=lines)[0].splitlines()
    check(len(verdicts) == len(documents), f"{len(documents)} documents got {len(verdicts)} verdicts")

    unused = set(REFUSED_BY_READERS_ONLY)
    accepted = 0
    for (path, document), verdict in zip(documents, verdicts):
        errors = list(schema.validator.iter_errors(document))
        where = f"{dotted(path)} of {described(document, path)}"
        if not path:
            check(not errors and verdict == "ok", f"a seed is refused: {verdict} {errors[:1]} {where}")
        accepted += verdict == "ok"
        if not errors and verdict != "ok":
            reasons = [reason for reason in REFUSED_BY_READERS_ONLY if re.search(reason, verdict)]
            check(reasons, f"only the readers refuse {where}: {verdict}")
            unused.difference_update(reasons)
        elif errors:
            messages = [error.message[:150] for error in errors[:2]]
            if check(verdict != "ok", f"only the schema refuses {where}: {messages}"):
                check(any(is_near(tuple(error.absolute_path), path) for error in errors),
                      f"refused at {[dotted(error.absolute_path) for error in errors]}, not near {where}")
        if document and len(path) > 1 and path[-1] not in table_at(document, path[:-1]):
            check_part(schema, document, path, check)
    print(f"{len(documents)} documents, {accepted} accepted by the readers")
    check(not unused, f"exceptions that never happen: {unused}")


def check_whole_floats(schema, program, plugins, check):
    """The difference in kinds that the documents above leave out is still there, and worth leaving out."""
    document = merged(CLASSIFIER, randomness={"seed": 1.0})
    verdict = run(program, "check", plugins, text_in=json.dumps(document) + "\n")[0]
    check(schema.validator.is_valid(document), "the validator tells 1.0 from an integer")
    check("an integer" in verdict, f"the readers take 1.0 for an integer: {verdict}")


def check_part(schema, document, path, check):
    """What lacks a key may have it from a base, unless it is in a list, which is inherited as a whole."""
    errors = list(schema.validator.iter_errors({**document, "_base_": "base.toml"}))
    in_list = any(isinstance(part, int) for part in path)
    check(in_list or not errors, f"a part without {dotted(path)} is refused: {errors[:1]}")


def check_meanings(schema, check):
    """Each key has a description: what it means, or why it is not read."""
    for definition, table in {"the file": schema.root, **schema.root["definitions"]}.items():
        for path, properties in documented_tables(definition, table):
            for key, value in properties.items():
                check(isinstance(value, dict) and ("description" in value or "anyOf" in value),
                      f"{path}.{key} has no description")


def documented_tables(path, schema):
    """The tables that a schema describes, without the rules about them."""
    if not isinstance(schema, dict) or schema.get("type") != "object":
        return
    properties = schema.get("properties", {})
    yield path, properties
    for key, value in properties.items():
        if isinstance(value, dict) and value.get("additionalProperties") is False:
            yield from documented_tables(f"{path}.{key}", value)


def check_files(schema, program, source, check):
    """Shipped configs, as written and with their bases."""
    files = sorted(glob.glob(f"{source}/host/configs/*.toml"))
    check(len(files) >= 8, f"{len(files)} shipped configs")
    for file in files:
        resolved = json.loads(run(program, "resolve", file)[0])
        for kind, document in (("as written", read_toml(file)), ("resolved", resolved)):
            errors = [f"{dotted(error.absolute_path)}: {error.message}"
                      for error in schema.validator.iter_errors(document)]
            check(not errors, f"{file} {kind}: {errors}")


def main():
    program, build, source = sys.argv[1:]
    plugins = f"{build}/plugins:{build}/tests/schema_plugins"
    check = Checks()
    text = run(program, "schema", plugins)[0]
    check(text == run(program, "schema", plugins)[0], "two runs print different schemas")
    schema = Schema(text)
    print(f"{len(text)} bytes, "
          f"{len(schema.root['definitions'])} definitions")
    check_meanings(schema, check)
    check_files(schema, program, source, check)
    check_whole_floats(schema, program, plugins, check)
    check_agreement(schema, program, plugins, check)
    check.finish(at_least=5000)


if __name__ == "__main__":
    main()
