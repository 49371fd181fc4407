"""Measure how fast the course is, against what it could be and against what people use.

Usage: bench.py [PART ...]   (fit, floor, feeding, workers, recipes, far, course; all but `far` where none is named)

What is compared runs in turns, after a round that does not count, with the same number of threads. A row shows the
median of the rounds and their range. Seconds belong to the machine; the ratio of two times in one round is what
can be compared. The part `recipes` draws .github/accuracy.png.
"""

import collections
import contextlib
import functools
import io
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import torch
from nbclient import NotebookClient
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset

from helpers.data import batch_loader, load_mnist, make_spirals
from helpers.device import seed_everything
from helpers.plotting import MODEL, NEUTRAL, TRUTH, use_style
from helpers.training import accuracy, fit

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
MNIST = NOTEBOOKS[10]
BEFORE_THE_LADDER = (
    "imports",
    "load",
    "split",
    "scale",
    "climb",
    "random-affine",
    "slants",
    "upright",
)
RUNGS = (
    "rung-1",
    "rung-2",
    "rung-3",
    "rung-norm",
    "rung-random",
    "rung-upright",
    "rung-patience",
)
PLAIN = "as most tutorials do"
MARKS = (0.97, 0.98, 0.985, 0.99, 0.992)
SEEDS = range(5)
BATCHES, ROUNDS = (256, 2048, 8192), 3


def main(parts):
    unknown = set(parts) - set(PARTS)
    if unknown:
        sys.exit(f"no part {', '.join(sorted(unknown))}; the parts are {', '.join(PARTS)}")
    os.environ |= {"COURSE_DEVICE": "cpu", "COURSE_PROGRESS": "off"}
    seed_everything(0)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads of {os.cpu_count()} cores")
    print(f"{'what is compared':42} {'ours':>12} {'other':>12}   {'ratio':24} demanded")
    for part in parts or [name for name in PARTS if name != "far"]:
        print(f"\n{part}: {PARTS[part].__doc__.splitlines()[0]}", flush=True)
        PARTS[part]()


# Two ways in turns


def compare(name, ours, other, *, at_most=None, at_least=None, rounds=9):
    """Time two functions in turns and print the row: seconds of each, and their ratio against what is demanded.

    The ratio is ours / other, or other / ours where it is to be large (`at_least`).
    """
    times = []
    for _ in range(rounds + 1):
        pair = []
        for run in (ours, other):
            start = time.perf_counter()
            run()
            pair.append(time.perf_counter() - start)
        times.append(pair)
    times = times[1:]
    ratios = [b / a if at_least else a / b for a, b in times]
    bound = f"at least {at_least}" if at_least else f"at most {at_most}"
    ours_ms, other_ms = (1000 * statistics.median(column) for column in zip(*times, strict=True))
    row = f"{name:42} {ours_ms:9.1f} ms {other_ms:9.1f} ms"
    print(f"{row}   {spread(ratios, '.2f'):24} {bound}", flush=True)


def spread(values, form):
    """The median of the values and their range, as text."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:{form}} ({low:{form}} to {high:{form}})"


def bare_loop(model, loader, loss_fn, optimizer, epochs):
    """The training loop and nothing else."""
    model.train()
    for _ in range(epochs):
        for X_batch, y_batch in loader:
            loss = loss_fn(model(X_batch), y_batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def as_rows(images):
    """Images (n, 28, 28) of bytes as rows (n, 784) from 0 to 1."""
    return images.reshape(-1, 784) / 255


def network():
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))


# The parts


def measure_fit():
    """`fit` (with its bar) and the bare loop, on the same model and the same batches."""
    X_tiny, y_tiny = make_spirals(250)
    images, y, _, _ = load_mnist()
    X = as_rows(images[:10240])
    small = batch_loader(X_tiny, y_tiny, batch_size=25, shuffle=True)
    large = batch_loader(X, y[:10240], batch_size=256)
    cases = [
        ("tiny: 2-64-64-2, 4,000 batches of 25", tiny_network, small, 400),
        ("large: 784-512-256-10, 40 batches of 256", network, large, 1),
    ]
    for name, make, loader, epochs in cases:

        def run(train, make=make, loader=loader, epochs=epochs):
            seed_everything(0)
            model = make()
            optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
            with contextlib.redirect_stderr(io.StringIO()):  # where the bar is drawn
                train(model, loader, nn.CrossEntropyLoss(), optimizer, epochs=epochs)

        ways = functools.partial(run, fit), functools.partial(run, bare_loop)
        compare(name, *ways, at_most=1.05, rounds=15)


def tiny_network():
    return nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))


def measure_floor():
    """One epoch of MNIST (784-512-256-10, batches of 256, AdamW) and its matrix products alone."""
    images, y, _, _ = load_mnist()
    X = as_rows(images)
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    loader = batch_loader(X, y, batch_size=256, shuffle=True)
    layers = [layer for layer in model if isinstance(layer, nn.Linear)]
    weights = [layer.weight.detach().clone() for layer in layers]
    sizes = [layer.in_features for layer in layers] + [10]

    def products():
        for i in range(0, len(X), 256):
            values = [X[i : i + 256], *(torch.empty(len(X[i : i + 256]), n) for n in sizes[1:])]
            for W, h, out in zip(weights, values, values[1:], strict=False):
                torch.mm(h, W.T, out=out)
            for W, h, out in reversed(list(zip(weights, values, values[1:], strict=False))):
                out.T @ h  # the gradient of W
                if h is not values[0]:
                    out @ W  # the gradient of h

    def epoch():
        with contextlib.redirect_stderr(io.StringIO()):
            fit(model, loader, nn.CrossEntropyLoss(), optimizer, epochs=1)

    compare("an epoch against its matrix products", epoch, products, at_most=1.3, rounds=15)


class DecodedImages(Dataset):
    """Images one by one, as torchvision's MNIST with ToTensor decodes them: through PIL, then divided by 255."""

    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        picture = Image.fromarray(self.images[i].numpy())
        pixels = torch.from_numpy(np.array(picture, np.uint8, copy=True)).reshape(28, 28, 1)
        return pixels.permute(2, 0, 1).contiguous().float().div(255), int(self.labels[i])


def measure_feeding():
    """60,000 images in shuffled batches of 256, without training on them."""
    images, labels, _, _ = load_mnist()
    X, y = as_rows(images), labels
    ours = batch_loader(X, y, batch_size=256, shuffle=True)
    one_by_one = DataLoader(DecodedImages(images, labels), batch_size=256, shuffle=True)

    def indexing():
        for batch in torch.randperm(len(X)).split(256):
            X[batch], y[batch]

    compare(
        "batch_loader, item by item through PIL",
        lambda: all(True for _ in ours),
        lambda: all(True for _ in one_by_one),
        at_least=5,
        rounds=3,
    )
    compare(
        "batch_loader, tensors indexed by hand",
        lambda: all(True for _ in ours),
        indexing,
        at_most=1.5,
    )


def measure_workers():
    """784-512-256-10 by `fit`, in one process and in two, on two cores: samples a second."""
    runs = collections.defaultdict(list)
    for _ in range(ROUNDS):
        for processes, threads in ((1, 2), (1, 1), (2, 1)):
            sizes = (
                [size for batch in BATCHES for size in (batch // 2, batch)]
                if (processes, threads) == (1, 1)
                else BATCHES
            )
            for row in start_workers(processes, threads, sizes):
                runs[processes, threads, row["batch"]].append(row)

    def median(name, *run):
        return statistics.median(row[name] for row in runs[run])

    print(f"{'':37}one process {'two processes':>43}")
    print(
        f"{'batch':>5} {'2 threads':>12} {'1 thread':>12} {'predicted':>14} {'measured':>10} {'share of exchange':>18}   memory of each"
    )
    for batch in BATCHES:
        # The products of its half as one process does them alone, and one exchange
        step = batch / 2 / median("samples/s", 1, 1, batch // 2) + median("exchange", 2, 1, batch)
        measured, alone = (median(name, 2, 1, batch) for name in ("samples/s", "alone"))
        two_threads, one_thread = (median("samples/s", 1, threads, batch) for threads in (2, 1))
        memory = ", ".join(f"{median('MB', *run, batch):.0f}" for run in ((1, 2), (1, 1), (2, 1)))
        print(
            f"{batch:5} {two_threads:12,.0f} {one_thread:12,.0f} {batch / step:14,.0f} {measured:10,.0f} "
            f"{1 - measured / alone:18.0%}   {memory} MB"
        )
    exchanges = [1000 * row["exchange"] for run, rows in runs.items() if run[0] == 2 for row in rows]
    print(f"one exchange of the gradients by itself: {spread(exchanges, '.1f')} ms")


def start_workers(processes, threads, sizes):
    """What the first of the processes in bench_workers.py prints, a dictionary for each size of batch."""
    torchrun = sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"
    worker = "-m", "tools.bench_workers", *map(str, sizes)
    env = os.environ | {"OMP_NUM_THREADS": str(threads), "TQDM_DISABLE": "1"}
    said = subprocess.run([*torchrun, *worker], env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    return [json.loads(line) for line in said.splitlines()]


# Accuracy against seconds


class Clock:
    """A loader that notes when it is read: what lies between two readings was training."""

    def __init__(self, loader):
        self.loader = loader
        self.seconds, self.since = [], time.perf_counter()

    def __len__(self):
        return len(self.loader)

    def __iter__(self):
        self.seconds.append(time.perf_counter() - self.since + (self.seconds or [0])[-1])
        yield from self.loader
        self.since = time.perf_counter()


def notebook_10():
    """Notebook 10, ready to climb: its names, and the sources of its cells by id."""
    cells = {cell.id: cell.source for cell in nbformat.read(MNIST, as_version=4).cells}
    notebook = {}
    for cell in BEFORE_THE_LADDER:
        exec(cells[cell], notebook)
    return notebook, cells


def climb_ladder(seed):
    """Climb the ladder of notebook 10 with its own cells; each rung's (seconds, test accuracy) after each epoch."""
    notebook, cells = notebook_10()
    notebook["seed_everything"] = lambda _: seed_everything(seed)
    X_test, y_test = notebook["rows"](notebook["test_images"]), notebook["test_labels"]
    curves = {}
    for cell in RUNGS:
        notebook["val_loader"] = clock = Clock(batch_loader(X_test, y_test, batch_size=1000))
        with contextlib.redirect_stderr(io.StringIO()):
            exec(cells[cell], notebook)
        rung, (_, history) = list(notebook["ladder"].items())[-1]
        curves[rung] = clock.seconds, history["val_accuracy"]
    return curves


def train_as_tutorials_do(seed):
    """The plain recipe; returns what `climb_ladder` gives for a rung. The batches come from `batch_loader`, too."""
    images, labels, test_images, y_test = load_mnist()
    seed_everything(seed)
    sizes, parts = [784, 512, 512, 512, 512], []
    clock = Clock(batch_loader(as_rows(test_images), y_test, batch_size=1000))
    for n_in, n_out in itertools.pairwise(sizes):
        parts += [nn.Linear(n_in, n_out), nn.ReLU(), nn.Dropout(0.3)]
    model = nn.Sequential(*parts, nn.Linear(512, 10))
    loader = batch_loader(as_rows(images), labels, batch_size=100, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    watch = {"val_loader": clock, "metrics": {"accuracy": accuracy}}
    with contextlib.redirect_stderr(io.StringIO()):
        history = fit(model, loader, nn.CrossEntropyLoss(), optimizer, epochs=15, **watch)
    return clock.seconds, history["val_accuracy"]


def measure_recipes():
    """Accuracy on the test images against seconds of training, five seeds."""
    runs = collections.defaultdict(list)
    for seed in SEEDS:
        for name, curve in (climb_ladder(seed) | {PLAIN: train_as_tutorials_do(seed)}).items():
            runs[name].append(curve)
    print(f"{'':28} seconds                 test accuracy in the end (%)")
    for name, curves in runs.items():
        seconds, accuracies = zip(*((s[-1], 100 * a[-1]) for s, a in curves), strict=True)
        print(f"{name:28} {spread(seconds, '.1f'):23} {spread(accuracies, '.2f')}")
    best = list(runs)[-2]
    print(f"{'seconds until':28} {best:30} {PLAIN}")
    for mark in MARKS:
        print(f"{mark:28.1%} {until(mark, runs[best]):30} {until(mark, runs[PLAIN])}")
    draw_recipes(runs, best)


def until(mark, curves):
    """The seconds until the accuracy was first at `mark`, over the runs that got there."""
    seconds = [next((s for s, a in zip(*curve, strict=True) if a >= mark), None) for curve in curves]
    reached = [s for s in seconds if s is not None]
    if not reached:
        return "never"
    if len(reached) == len(seconds):
        return spread(reached, ".1f")
    return f"{spread(reached, '.1f')}, {len(reached)} of {len(seconds)} runs"


def draw_recipes(runs, best):
    """Draw .github/accuracy.png: each run of the two recipes, and the end of each rung."""
    use_style()
    fig, ax = plt.subplots(figsize=(8.4, 4.6))
    labels = {PLAIN: PLAIN, best: "notebook 10, last rung, epoch by epoch"}
    for name, color in [(PLAIN, NEUTRAL), (best, TRUTH)]:
        for i, (seconds, accuracies) in enumerate(runs[name]):
            label = labels[name] if i == 0 else None
            ax.plot(seconds, errors(accuracies), "-", color=color, alpha=0.7, linewidth=1.5, label=label)
    ends = [
        [statistics.median(run[part][-1] for run in runs[name]) for part in (0, 1)] for name in runs if name != PLAIN
    ]
    seconds, accuracies = zip(*ends, strict=True)
    label = "notebook 10, the end of each rung (median)"
    ax.plot(seconds, errors(accuracies), "o-", color=MODEL, linewidth=1.5, label=label)
    ticks = [0.9, 0.95, *MARKS]
    ax.set(xscale="log", yscale="log", xlabel="seconds of training", ylabel="test accuracy (%)")
    ax.set_yticks(errors(ticks), [f"{100 * tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.invert_yaxis()
    ticks = [0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_title("MNIST on two CPU cores: accuracy against seconds, five seeds")
    ax.legend(loc="lower right")
    fig.savefig(ROOT / ".github" / "accuracy.png")


def errors(accuracies):
    return [1 - accuracy for accuracy in accuracies]


def measure_far():
    """The committee of notebook 10, three times with other seeds."""
    notebook, cells = notebook_10()
    with contextlib.redirect_stderr(io.StringIO()):
        # in the two rungs, `block` and `reader` are written
        for cell in ("rung-norm", "rung-upright", "elastic", "ways"):
            exec(cells[cell], notebook)
    for first in (0, 100, 200):
        notebook["seed_everything"] = lambda seed, first=first: seed_everything(first + seed)
        start = time.perf_counter()
        with contextlib.redirect_stderr(io.StringIO()):
            exec(cells["far"].replace("GO_FAR = False", "GO_FAR = True"), notebook)
        seconds = time.perf_counter() - start
        exec(cells["far-committee"], notebook)
        committee, as_input = notebook["committee"], notebook["rows"]
        on_validation = accuracy(committee(notebook["X_val"]), notebook["y_val"])
        on_test = accuracy(committee(as_input(notebook["test_images"])), notebook["test_labels"])
        print(f"{seconds:.0f} s: validation {on_validation:.2%}, test {on_test:.2%}", flush=True)


# The whole course


# The most memory that this process took, in kilobytes. (`getrusage` would count its parent's, too.)
PEAK = r"""
import re
from pathlib import Path
print(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
"""


def measure_course():
    """Importing the helpers, and each notebook: seconds, and the most memory that its kernel took (on Linux)."""
    modules = (
        "torch",
        *(f"helpers.{name}" for name in ("device", "data", "training", "exercises")),
    )
    code = "import time, importlib as i\nfor m in {}:\n t = time.perf_counter(); i.import_module(m); print(time.perf_counter() - t)"
    times = [[float(t) for t in output_of(code.format(modules)).split()] for _ in range(6)][1:]
    print(
        f"import torch {spread([t[0] for t in times], '.2f')} s; after it, the helpers that do not draw {spread([sum(t[1:]) for t in times], '.3f')} s"
    )
    for path in NOTEBOOKS:
        notebook = nbformat.read(path, as_version=4)
        notebook.cells.append(nbformat.v4.new_code_cell(PEAK))
        here = {"metadata": {"path": path.parent}}
        start = time.perf_counter()
        NotebookClient(notebook, kernel_name="python3", timeout=600, resources=here).execute()
        seconds = time.perf_counter() - start
        kilobytes = int(notebook.cells[-1].outputs[0].text)
        print(f"{path.stem:28} {seconds:6.1f} s {kilobytes / 1e6:6.2f} GB", flush=True)


def output_of(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


PARTS = {
    "fit": measure_fit,
    "floor": measure_floor,
    "feeding": measure_feeding,
    "workers": measure_workers,
    "recipes": measure_recipes,
    "far": measure_far,
    "course": measure_course,
}

if __name__ == "__main__":
    main(sys.argv[1:])
