"""What the schema's tests share: Debian's independent validator, and where it finds errors."""
import json
import subprocess
import sys
import tomllib

try:
    import jsonschema
except ImportError:
    sys.exit("python3-jsonschema is missing: install it with apt-get install python3-jsonschema")


def run(*command, expect=0, text_in=None):
    """What a command printed to stdout and stderr."""
    done = subprocess.run(command, input=text_in, capture_output=True, text=True, check=False)
    if done.returncode != expect:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
    return done.stdout, done.stderr


def validator(schema_text):
    """A validator of a schema, which is checked against draft-07 itself first."""
    schema = json.loads(schema_text)
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def dotted(path):
    return ".".join(str(part) for part in path)


def places(validator_, document):
    """Dotted path and message of each error."""
    return [(dotted(error.absolute_path), error.message) for error in validator_.iter_errors(document)]


def read_toml(path):
    with open(path, "rb") as file:
        return tomllib.load(file)


class Checks:
    """Counts failures, so that one run shows them all."""

    def __init__(self):
        self.made = 0
        self.failed = 0

    def __call__(self, holds, message):
        self.made += 1
        if not holds:
            self.failed += 1
            if self.failed <= 40:
                print("FAILED: " + message)
        return holds

    def finish(self, at_least):
        print(f"{self.made} checks, {self.failed} failed")
        if self.made < at_least:
            sys.exit(f"only {self.made} checks were made, {at_least} expected")
        sys.exit(1 if self.failed else 0)
