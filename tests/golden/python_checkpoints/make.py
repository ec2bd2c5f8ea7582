# Made the .pth files of this folder, with Python 3.11 and PyTorch 1.13.1: python3 make.py OUT
# Entry i of state_dict() counts up from 100 * i, so that a reader's values can be told without these files' maker.
import collections
import sys

import torch

out = sys.argv[1]
net = torch.nn.Sequential(collections.OrderedDict(conv=torch.nn.Conv2d(2, 3, 2), norm=torch.nn.BatchNorm2d(3)))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
net(torch.ones(2, 2, 4, 4)).sum().backward()
optimizer.step()
with torch.no_grad():
    for i, tensor in enumerate(net.state_dict().values()):
        tensor.copy_((torch.arange(tensor.numel()).reshape(tensor.shape) + 100 * i).to(tensor.dtype))

torch.save(net.state_dict(), out + "/state_dict.pth")
torch.save(
    {
        "start_epoch": 3,
        "best_ap": 0.25,
        "big": 1 << 80,
        "model": net.state_dict(),
        "optimizer": optimizer.state_dict(),
        "names": {"a", "b"},
        "none": None,
        "shape": torch.Size([1, 2]),
    },
    out + "/training.pth",
)
base = torch.arange(12.0)
torch.save(
    {
        "module.parameter": torch.nn.Parameter(torch.tensor([1.5, -2.0])),
        "module.view": base[2:8].reshape(2, 3).t(),
        "module.half": torch.tensor([0.5]).half(),
        "module.flag": torch.tensor([True, False]),
        "module.empty": torch.zeros(0, 3),
        "module.scalar": torch.tensor(7),
        "module.cl": torch.arange(24.0).reshape(1, 2, 3, 4).contiguous(memory_format=torch.channels_last),
    },
    out + "/odd_tensors.pth",
)
torch.save(net.state_dict(), out + "/legacy_format.pth", _use_new_zipfile_serialization=False)
torch.save(torch.nn.Linear(2, 1), out + "/whole_module.pth")
