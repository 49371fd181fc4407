import os
import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from helpers import device


@pytest.mark.parametrize("name", ["cpu", "cuda", "mps"])
def test_the_device_on_request(monkeypatch, name):
    monkeypatch.setenv("COURSE_DEVICE", name)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert device.pick_device() == torch.device(name)


@pytest.mark.parametrize(
    ("cuda", "mps", "best"),
    [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu"), (True, False, "cuda")],
)
def test_the_best_there_is(monkeypatch, cuda, mps, best):
    monkeypatch.delenv("COURSE_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert device.pick_device() == torch.device(best)


def test_unknown_device(monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", "tpu")
    with pytest.raises(ValueError, match=r"'tpu'.*cpu, cuda, mps"):
        device.pick_device()


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_is_not_there(monkeypatch, name):
    monkeypatch.setenv("COURSE_DEVICE", name)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(RuntimeError, match=f"'{name}'.*COURSE_DEVICE=cpu"):
        device.pick_device()


def test_seed_everything_makes_all_streams_repeatable():
    def draw():
        device.seed_everything(3)
        return random.random(), np.random.rand(), torch.rand(1).item()

    assert draw() == draw()


@pytest.mark.parametrize(("threads", "expected"), [("1", 1), ("2", 2), ("8", 2)])
def test_never_more_than_two_threads(threads, expected):
    code = "import torch; from helpers.device import seed_everything; seed_everything(0);"
    code += "print(torch.get_num_threads())"
    env = os.environ | {"OMP_NUM_THREADS": threads}
    command = [sys.executable, "-c", code]
    out = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert int(out.stdout) == expected


def test_import_is_light():
    """`import helpers` must not pull in what only some modules need."""
    code = "import sys, torch, helpers; print([m for m in ('matplotlib', 'sklearn', 'networkx.drawing') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
