import random
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from lessons import ROOT
from other_device import other_device
from torch.overrides import TorchFunctionMode

from helpers import device


@pytest.mark.parametrize("name", ["cpu", "cuda", "mps"])
def test_the_device_that_is_asked_for_is_picked(monkeypatch, name):
    monkeypatch.setenv("COURSE_DEVICE", name)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(device, "_trouble", lambda name: "")
    assert device.pick_device() == torch.device(name)


@pytest.mark.parametrize(
    ("cuda", "mps", "best"),
    [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu"), (True, False, "cuda")],
)
def test_the_best_device_there_is_is_picked(monkeypatch, cuda, mps, best):
    monkeypatch.delenv("COURSE_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    monkeypatch.setattr(device, "_trouble", lambda name: "")
    assert device.pick_device() == torch.device(best)


def test_an_unknown_device_is_refused(monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", "tpu")
    said = "COURSE_DEVICE is 'tpu', but it must be one of cpu, cuda, mps. Unset it to get the best device there is."
    with pytest.raises(ValueError, match=re.escape(said)):
        device.pick_device()


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused(monkeypatch, name):
    monkeypatch.setenv("COURSE_DEVICE", name)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    said = (
        f"COURSE_DEVICE asks for '{name}', but this PyTorch ({torch.__version__}) sees no such device. "
        "Set COURSE_DEVICE=cpu, or unset it to get the best device there is."
    )
    with pytest.raises(RuntimeError, match=re.escape(said)):
        device.pick_device()


class Useless(TorchFunctionMode):
    """A GPU that fails at one function, as it would, and does all others."""

    def __init__(self, function, error):
        super().__init__()
        self.function, self.error = function, error

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function.__name__ == self.function and (self.function == "ones" or args[0].is_cuda):
            raise self.error
        return function(*args, **kwargs or {})


NO_KERNEL = """\
CUDA error: no kernel image is available for execution on the device
CUDA kernel errors might be asynchronously reported at some other API call, so the stacktrace below might be incorrect."""


@pytest.mark.parametrize(
    ("function", "error"),
    [
        ("ones", torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 MiB. GPU 0 has 4.00 GiB")),
        ("ones", torch.AcceleratorError(NO_KERNEL)),
        ("matmul", RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")),
        ("item", torch.AcceleratorError(NO_KERNEL)),  # told late
    ],
    ids=["memory", "first", "product", "late"],
)
def test_a_gpu_that_cannot_compute(monkeypatch, function, error):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    trouble = "cannot compute there: " + str(error).splitlines()[0].rstrip(".")
    goes_on = (
        f"PyTorch sees 'cuda', but {trouble}. The course goes on without it; "
        "COURSE_DEVICE=cpu does so without this warning."
    )
    stops = f"COURSE_DEVICE asks for 'cuda', but PyTorch {trouble}. Set COURSE_DEVICE=cpu."
    with other_device(), Useless(function, error):
        monkeypatch.delenv("COURSE_DEVICE", raising=False)
        with pytest.warns(UserWarning, match=re.escape(goes_on)) as warned:
            assert device.pick_device() == torch.device("cpu")
        assert len(warned) == 1 and warned[0].filename == __file__  # at the line that asked
        monkeypatch.setenv("COURSE_DEVICE", "cuda")
        with pytest.raises(RuntimeError, match=re.escape(stops)):
            device.pick_device()


@pytest.mark.parametrize("name", ["", "cuda"])
def test_a_gpu_that_computes_is_picked_without_a_word(monkeypatch, recwarn, capfd, name):
    monkeypatch.setenv("COURSE_DEVICE", name)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with other_device():
        assert device.pick_device() == torch.device("cuda")
    assert not recwarn.list and capfd.readouterr() == ("", "")


def test_seed_everything_makes_all_streams_repeatable():
    def draw():
        device.seed_everything(3)
        return random.random(), np.random.rand(), torch.rand(1).item()

    assert draw() == draw()


@pytest.fixture(scope="module")
def fresh():
    """A new process with eight threads: what the import of `helpers` brings, and how many threads the course leaves."""
    code = """import sys, torch, helpers
print(*(m for m in ("matplotlib", "sklearn", "networkx.drawing") if m in sys.modules))
from helpers.device import seed_everything
torch.set_num_threads(8)  # OMP_NUM_THREADS=8 would not do: two cores make two of it
seed_everything(0)
print(torch.get_num_threads())"""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")


def test_never_more_than_two_threads(fresh):
    assert int(fresh[1]) == 2
    device.seed_everything(0)
    assert torch.get_num_threads() == 1  # as tests/conftest.py says: fewer are left alone


def test_importing_helpers_imports_nothing_that_only_some_modules_need(fresh):
    assert fresh[0] == ""
