"""programs/train_mnist.py: one process or many, killed and resumed, and what it refuses."""

import argparse
import ast
import functools
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
import torch
from processes import in_ranks, needs_fork, runs
from torch import distributed
from torch.distributed.run import get_args_parser

from helpers.data import Split, batch_loader, load_mnist

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / "programs"
sys.path.append(str(PROGRAMS))

import reader  # noqa: E402
import train_mnist  # noqa: E402

CPU = torch.device("cpu")


MNIST = functools.cache(load_mnist)


@pytest.fixture(autouse=True)
def one_reading(monkeypatch):
    """The images are read once, and there are a thousand to be tested on."""
    images, labels, test_images, test_labels = MNIST()
    few = Split(images, labels, test_images[:1000], test_labels[:1000])
    monkeypatch.setattr(train_mnist, "load_mnist", lambda: few)
    monkeypatch.setenv("TQDM_DISABLE", "1")


@pytest.fixture
def little_validation(monkeypatch):
    few = lambda X, y, batch_size: batch_loader(X[:50], y[:50], batch_size=batch_size)  # noqa: E731
    monkeypatch.setattr(train_mnist, "batch_loader", few)


def options(path, **others):
    values = {"epochs": 3, "batch_size": 64, "lr": 0.01, "seed": 0, "images": 200, "checkpoint": path}
    return argparse.Namespace(**values | others)


def numbers(path):
    """All weights in a checkpoint, by name, and whatever else the network keeps."""
    return torch.load(path, weights_only=True)["network"]


def same(some, others):
    return some.keys() == others.keys() and all(torch.equal(some[name], others[name]) for name in some)


def test_the_network_is_that_of_notebook_10():
    notebook = nbformat.read(ROOT / "notebooks" / "10_mnist_dnn.ipynb", as_version=4)
    there = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            there |= {node.name: node for node in ast.parse(cell.source).body if hasattr(node, "name")}
    here = {node.name: node for node in ast.parse(Path(reader.__file__).read_text()).body if hasattr(node, "name")}
    assert "reader" in here
    for name, node in here.items():
        assert ast.dump(node) == ast.dump(there[name]), f"{name} is not what the notebook has"


def test_the_lines_that_start_it_are_understood(monkeypatch):
    """By the program and by torchrun, as far as that can be asked without starting them."""
    page = re.sub(r"\\\n *", "", (PROGRAMS / "README.md").read_text())  # a line that goes on below is one
    lines = re.findall(r"(?m)^.*train_mnist\.py.*$", "\n".join(re.findall(r"(?ms)^```bash\n(.*?)^```", page)))
    assert len(lines) == 6
    for line in lines:
        launcher, _, arguments = line.partition("programs/train_mnist.py")
        monkeypatch.setattr(sys, "argv", ["train_mnist.py", *shlex.split(arguments)])
        train_mnist.read_options()
        if "torchrun" in launcher:
            get_args_parser().parse_args([*shlex.split(launcher.partition("torchrun")[2]), "train_mnist.py"])


def test_its_checkpoint_is_read_by_the_notebooks_network():
    ours, theirs = train_mnist.reader_of_all(0, 1), reader.reader()
    theirs.load_state_dict(ours.state_dict())
    X = torch.rand(8, 784)
    assert torch.equal(theirs.eval()(X), ours.eval()(X))


@needs_fork
def test_one_two_and_four_processes_make_the_same_network(tmp_path, capfd):
    """In double precision, where the order of sums moves the sixteenth digit, and a mistake any."""

    def work(world, rank):
        torch.set_default_dtype(torch.float64)
        train_mnist.train(options(tmp_path / str(world), batch_size=32, epochs=1), CPU, rank, world)

    said = []
    for world in (1, 2, 4):
        assert in_ranks(lambda rank, world=world: work(world, rank), world) == [None] * world
        said.append(capfd.readouterr().out)
        for name, expected in numbers(tmp_path / "1").items():
            assert torch.allclose(numbers(tmp_path / str(world))[name], expected, rtol=0, atol=1e-11), name
    accuracies = {text.partition("test accuracy: ")[2] for text in said}
    losses = {text.splitlines()[0] for text in said}
    assert len(accuracies) == len(losses) == 1 and "" not in accuracies, said


def kill_now(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def half_a_file(file):
    os.truncate(file, 10_000)
    kill_now()


def third_epoch(monkeypatch):
    """Kill in the second step of the third epoch of a training."""
    steps = []

    def step(*args, step=torch.optim.AdamW.step):
        steps.append(1)
        kill_now() if len(steps) == 10 else None
        return step(*args)

    monkeypatch.setattr(torch.optim.AdamW, "step", step)


@needs_fork
@pytest.mark.parametrize("world", [1, 2])
def test_killed_at_any_moment_and_resumed_it_ends_with_the_same_weights(world, tmp_path, little_validation):
    whole, killed = tmp_path / "whole", tmp_path / "killed"

    def run(path, prepare=lambda patch: None):
        def work(rank):
            with pytest.MonkeyPatch.context() as patch:
                prepare(patch)
                train_mnist.train(options(path), CPU, rank, world)
                return "done"

        return in_ranks(work, world)

    moments = [
        (0, lambda patch: patch.setattr(os, "fsync", half_a_file)),
        (0, lambda patch: patch.setattr(os, "replace", kill_now)),
        (2, third_epoch),
        (2, lambda patch: patch.setattr(os, "fsync", half_a_file)),
    ]
    assert run(whole) == ["done"] * world
    for done, prepare in moments:
        assert None in run(killed, prepare), "nobody was killed"
        assert (torch.load(killed, weights_only=True)["done"] if killed.exists() else 0) == done
    assert run(killed) == ["done"] * world
    assert same(numbers(killed), numbers(whole))


def wait_until(it_is_so, seconds=60):
    deadline = time.monotonic() + seconds
    while not it_is_so():
        assert time.monotonic() < deadline, f"not after {seconds} seconds"
        time.sleep(0.1)


def refusal(work):
    with pytest.raises(SystemExit) as ended:
        work()
    return str(ended.value)


def test_a_checkpoint_of_something_else_is_refused(tmp_path, monkeypatch, little_validation):
    path = tmp_path / "file.pt"
    train = lambda **others: train_mnist.train(options(path, **others), CPU, 0, 1)  # noqa: E731
    path.write_bytes(b"an error page")
    assert f"{path} is no checkpoint of this program" in refusal(train)
    torch.save({"weights": 1}, path)
    assert "is no checkpoint of this program: parts are missing" in refusal(train)
    path.unlink()
    train(epochs=1)
    assert "was begun with --epochs 1, --lr 0.01" in refusal(lambda: train(lr=0.02, epochs=2))
    monkeypatch.setattr(train_mnist, "reader", lambda: torch.nn.Sequential(reader.Upright(), torch.nn.Linear(784, 10)))
    assert "is a checkpoint of another network: 1.0.weight (512, 784)" in refusal(lambda: train(epochs=1))


@needs_fork
def test_a_batch_that_the_processes_cannot_share_is_refused():
    def work(rank):
        return refusal(lambda: train_mnist.train(options(None), CPU, rank, 3))

    assert work(0).startswith("3 processes cannot share batches of 64 images") and work(1) == "1"


def test_a_process_that_cannot_find_the_others_says_so(monkeypatch):
    def join():
        with train_mnist.group():
            pass

    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert "Not set: MASTER_ADDR, MASTER_PORT." in refusal(join)
    monkeypatch.setenv("MASTER_ADDR", "localhost")
    monkeypatch.setenv("MASTER_PORT", "9")
    monkeypatch.setattr(train_mnist, "PATIENCE", train_mnist.timedelta(seconds=1))
    assert "No answer from localhost, port 9" in refusal(join)
    assert not distributed.is_initialized()


@pytest.mark.skipif(sys.platform == "win32", reason="a process there keeps the number of a parent that has ended")
def test_who_kills_torchrun_ends_its_processes(tmp_path):
    """The program as a reader starts it."""
    checkpoint, torchrun = tmp_path / "checkpoint.pt", (sys.executable, "-m", "torch.distributed.run")
    program = PROGRAMS / "train_mnist.py", "--images=512", "--epochs=200", f"--checkpoint={checkpoint}"
    with open(tmp_path / "said", "w+") as said:
        agent = subprocess.Popen([*torchrun, "--standalone", "--nproc-per-node=2", *program], stdout=said, stderr=said)
        try:
            wait_until(checkpoint.exists)
            processes = [child.pid for child in psutil.Process(agent.pid).children()]
            assert len(processes) == 2
        finally:
            agent.kill()
            agent.wait()
        wait_until(lambda: not any(map(runs, processes)))
    assert "OtherProcessError: This process ends, since torchrun" in (tmp_path / "said").read_text()
