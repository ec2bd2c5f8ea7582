# python3 read_weights.py FILE...: each FILE, which Grapnel wrote, holds exactly what FILE.txt says (see
# write_weights.py). A .pth is opened by torch.load, with weights_only as well; a .safetensors by a reader of its own.
import json
import sys

import numpy
import torch

TYPES = {
    "F64": ("float64", "<f8"),
    "F32": ("float32", "<f4"),
    "F16": ("float16", "<f2"),
    "BF16": ("bfloat16", "<u2"),
    "I64": ("int64", "<i8"),
    "I32": ("int32", "<i4"),
    "I16": ("int16", "<i2"),
    "I8": ("int8", "i1"),
    "U8": ("uint8", "u1"),
    "BOOL": ("bool", "?"),
}


def expected(path):
    tensors = {}
    for line in open(path + ".txt"):
        name, dtype, shape, raw = (line.rstrip("\n").split(" ") + [""])[:4]
        tensors[name] = (dtype, json.loads(shape), raw)
    return tensors


def described(tensor):
    raw = tensor.contiguous()
    if raw.dtype == torch.bfloat16:
        raw = raw.view(torch.int16)
    return (str(tensor.dtype).replace("torch.", ""), list(tensor.shape), raw.numpy().tobytes().hex())


def with_torch(path, **options):
    content = torch.load(path, **options)
    content = content["model"] if "model" in content else content["state_dict"]
    return {name: described(tensor) for name, tensor in content.items()}


def with_numpy(path):
    data = open(path, "rb").read()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    assert header.pop("__metadata__") == {"format": "pt"}
    body, covered, tensors = data[8 + length :], 0, {}
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = entry["data_offsets"]
        dtype, code = TYPES[entry["dtype"]]
        assert begin == covered and begin % numpy.dtype(code).itemsize == 0, name
        covered = end
        array = numpy.frombuffer(body[begin:end], dtype=code).reshape(entry["shape"])
        tensors[name] = (dtype, entry["shape"], array.tobytes().hex())
    assert covered == len(body)
    return tensors


for path in sys.argv[1:]:
    want = expected(path)
    readings = [with_numpy(path)] if path.endswith(".safetensors") else [with_torch(path), with_torch(path, weights_only=True)]
    for got in readings:
        assert list(got) == list(want) or path.endswith(".safetensors"), (path, list(got), list(want))
        assert got == want, (path, [name for name in want if got.get(name) != want[name]])
print("equal:", len(sys.argv) - 1)
