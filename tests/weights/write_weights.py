# python3 write_weights.py OUT: weights files of every form that torch.save has, and beside each NAME.txt with what is in
# it: a line a tensor with name, type, shape and the elements' bytes in C order.
import collections
import datetime
import sys

import numpy
import torch

out = sys.argv[1]
torch.manual_seed(7)


def raw(tensor):
    tensor = tensor.detach().contiguous()
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.view(torch.int16)
    return tensor.numpy().tobytes().hex()


def save(name, content, state_dict, prefix="", **options):
    torch.save(content, f"{out}/{name}", **options)
    with open(f"{out}/{name}.txt", "w") as text:
        for key, tensor in state_dict.items():
            shape = ",".join(str(size) for size in tensor.shape)
            dtype = str(tensor.dtype).replace("torch.", "")
            text.write(f"{key[len(prefix):]} {dtype} [{shape}] {raw(tensor)}\n")


base = torch.arange(60.0)
tagged = torch.nn.Parameter(torch.randn(3))
tagged.tag = "an attribute"
state = collections.OrderedDict(
    [
        ("float", torch.randn(4, 3, 2, 2)),
        ("half", torch.randn(5).half()),
        ("bfloat16", torch.randn(2, 3).bfloat16()),
        ("double", torch.randn(2, 2, dtype=torch.float64)),
        ("long", torch.tensor(1 << 40)),
        ("int", torch.tensor([-1, 2], dtype=torch.int32)),
        ("short", torch.tensor([-300], dtype=torch.int16)),
        ("char", torch.tensor([-3], dtype=torch.int8)),
        ("byte", torch.arange(256).to(torch.uint8)),
        ("bool", torch.tensor([[True], [False]])),
        ("complex", torch.randn(2, dtype=torch.complex64)),
        ("parameter", torch.nn.Parameter(torch.randn(2, 3))),
        ("tagged", tagged),
        ("transposed", torch.randn(3, 5).t()),
        ("channels_last", torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)),
        ("shared_whole", base),
        ("shared_part", base[10:30]),
        ("shared_columns", base.view(6, 10)[:, 3:7]),
        ("every_third", base[::3]),
        ("expanded", torch.randn(3, 1).expand(3, 4)),
        ("empty", torch.zeros(0, 3)),
        ("scalar", torch.tensor(0.25)),
        ("special", torch.tensor([float("nan"), float("inf"), -0.0, 1e-45])),
    ]
)
state._metadata = collections.OrderedDict(version=1)
save("zip.pth", state, state)
save("legacy.pth", state, state, _use_new_zipfile_serialization=False)
save("dict.pth", dict(state), state)
save("ddp.pth", collections.OrderedDict(("module." + k, v) for k, v in state.items()), state)

net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, bias=False), torch.nn.BatchNorm2d(8), torch.nn.Linear(2, 2))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True)
net(torch.randn(2, 3, 4, 4)).sum().backward()
optimizer.step()
# As Megvii's trainer saves it.
training = {
    "start_epoch": 12,
    "model": net.state_dict(),
    "optimizer": optimizer.state_dict(),
    "best_ap": numpy.float64(0.417),
    "curr_ap": numpy.array([0.1, 0.2]).mean(),
}
save("training.pth", training, net.state_dict())
save("training_legacy.pth", training, net.state_dict(), _use_new_zipfile_serialization=False)
# As MMEngine's runner saves it, with the averaged weights in front.
mmengine = {
    "meta": {"epoch": 3, "cfg": "text", "time": datetime.datetime(2024, 5, 6), "seed": numpy.int64(3)},
    "state_dict": net.state_dict(),
    "message_hub": {"log_scalars": {"loss": numpy.arange(100000.0)}, "runtime_info": collections.defaultdict(dict)},
    "ema_state_dict": {"steps": torch.tensor(3), **{"module." + k: v + 1 for k, v in net.state_dict().items()}},
    "param_schedulers": [{"last_step": 4, "betas": (0.9, 0.999), "ids": {1, 2}}],
}
save("mmengine.pth", mmengine, net.state_dict())
averaged = {"ema_state_dict": {"steps": torch.tensor(3), **{"module." + k: v for k, v in net.state_dict().items()}}}
save("averaged.pth", averaged, net.state_dict())
