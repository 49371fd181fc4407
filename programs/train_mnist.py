"""The last rung of notebook 10 as a program: trained by one process, or by many on CPUs, GPUs, machines.

    torchrun --standalone --nproc-per-node=2 programs/train_mnist.py

README.md beside this file says how it starts elsewhere.
"""

import argparse
import contextlib
import os
import sys
import time
from datetime import timedelta
from pathlib import Path

import torch
from reader import Upright, reader, rows
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import BatchSampler, DataLoader, DistributedSampler, TensorDataset

sys.path.append(str(Path(__file__).resolve().parent.parent))  # where the course is not installed, in Colab for one

from helpers.data import batch_loader, load_mnist
from helpers.device import pick_device, seed_everything
from helpers.processes import several
from helpers.training import accuracy, evaluate, fit

# Longer than any step, any save, and the time between the first and the last of them to start
PATIENCE = timedelta(minutes=5)


def main():
    options = read_options()
    with group() as (device, rank, world):
        train(options, device, rank, world)


def read_options():
    parser = argparse.ArgumentParser(description="Train the network of notebook 10's last rung.")
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--batch-size", type=int, default=256, help="images in a step, those of all processes together")
    parser.add_argument("--lr", type=float, default=0.01, help="the largest learning rate of the one-cycle schedule")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", type=int, default=55_000, help="how many to train on; 5,000 for a first try")
    parser.add_argument("--checkpoint", type=Path, help="saved after each epoch; where it exists, the training goes on")
    return parser.parse_args()


# The processes


@contextlib.contextmanager
def group():
    """Join the processes that were started with this one. Yields (device, rank, world): (..., 0, 1) if there are none."""
    device = pick_device()
    wanted = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
    missing = [name for name in wanted if name not in os.environ]
    if len(missing) == len(wanted):
        yield device, 0, 1
        return
    if missing:
        sys.exit(f"Not set: {', '.join(missing)}. So this process cannot find the others; torchrun sets all of it.")
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
        if device.index >= torch.cuda.device_count():
            sys.exit(f"Each process needs a GPU, and here are {torch.cuda.device_count()}. Or set COURSE_DEVICE=cpu.")
        torch.cuda.set_device(device)
    else:
        device = torch.device("cpu")  # of the rest, only CPUs can exchange gradients
    try:
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    except distributed.DistError as error:
        sys.exit(f"No answer from {os.environ['MASTER_ADDR']}, port {os.environ['MASTER_PORT']}: {error}")
    try:
        yield device, distributed.get_rank(), distributed.get_world_size()
    finally:
        distributed.destroy_process_group()


class UprightOfAll(Upright):
    """Draws the random maps of the whole batch, as all processes do, and takes its own: an image gets the same map
    however many they are."""

    def __init__(self, rank, world):
        super().__init__()
        self.rank, self.world = rank, world

    def draw(self, n):
        return super().draw(n * self.world)[self.rank :: self.world]


class SumOfAll(torch.autograd.Function):
    """The sum of the tensors of all processes. What one of them does with it is felt by all, so gradients add up, too."""

    @staticmethod
    def forward(ctx, x):
        x = x.clone()
        distributed.all_reduce(x)
        return x

    @staticmethod
    def backward(ctx, gradient):
        return SumOfAll.forward(ctx, gradient)


class BatchNormOfAll(nn.BatchNorm1d):
    """Batch norm over the batch of all processes, of equal parts. (nn.SyncBatchNorm is that for GPUs only.)"""

    def forward(self, h):
        if not (self.training and several()):
            return super().forward(h)
        world = distributed.get_world_size()
        shift = self.running_mean.clone()  # near the mean, so that the difference of squares below keeps its digits
        moments = torch.stack([(h - shift).mean(dim=0), (h - shift).square().mean(dim=0)])  # (2, d)
        first, second = SumOfAll.apply(moments) / world
        mean, var = shift + first, second - first.square()
        with torch.no_grad():
            n = len(h) * world
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(var * n / (n - 1), self.momentum)
            self.num_batches_tracked += 1
        return (h - mean) * (var + self.eps).rsqrt() * self.weight + self.bias


def reader_of_all(rank, world):
    """The network of notebook 10, untrained, whose answers do not depend on how many processes share a batch."""
    upright, *blocks, last = reader()
    upright = UprightOfAll(rank, world)
    for block in blocks:
        block[1] = BatchNormOfAll(block[1].num_features)
    return nn.Sequential(upright, *blocks, last)


# The training


def train(options, device, rank, world):
    def refuse(message):
        sys.exit(message if rank == 0 else 1)

    if options.batch_size % world:
        refuse(f"{world} processes cannot share batches of {options.batch_size} images equally: see --batch-size.")
    seed_everything(options.seed)
    train_loader, val_loader, test_loader = loaders(options, rank, world)
    network = reader_of_all(rank, world).to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=options.lr, fused=True)
    steps = options.epochs * len(train_loader)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=options.lr, total_steps=steps)
    parts = {"network": network, "optimizer": optimizer, "schedule": schedule}
    settings = {name: value for name, value in vars(options).items() if name != "checkpoint"}

    done = 0
    if options.checkpoint:
        try:
            done = load(options.checkpoint, parts, settings, rank)
        except ValueError as error:
            refuse(f"{options.checkpoint} {error}")

    def epoch_is_over(done):
        # Meanwhile the others begin the next one. Whenever they are killed, the file is whole.
        if options.checkpoint and rank == 0:
            save(options.checkpoint, parts, settings, done)
        # A seed for the maps of each epoch, in place of a random state that would have to be saved.
        torch.manual_seed(options.seed + 1 + done)

    torch.manual_seed(options.seed + 1 + done)
    model = DistributedDataParallel(network) if distributed.is_initialized() else network
    watch = {"val_loader": val_loader, "metrics": {"accuracy": accuracy}}
    began = time.perf_counter()
    history = fit(
        model,
        train_loader,
        nn.CrossEntropyLoss(),
        optimizer,
        epochs=options.epochs,
        start=done,
        scheduler=schedule,
        after_epoch=epoch_is_over,
        **watch,
    )
    seconds = time.perf_counter() - began
    if history.interrupted:
        refuse(f"Stopped: {history}")
    result = evaluate(model, test_loader, nn.CrossEntropyLoss(), {"accuracy": accuracy})
    if rank == 0:
        print(f"{history}\nprocesses: {world}, seconds: {seconds:.1f}, test accuracy: {result['accuracy']:.4f}")


def loaders(options, rank, world):
    """What this process reads of the training, the validation and the test set: three loaders."""
    images, labels, test_images, test_labels = load_mnist()
    order = torch.randperm(60_000, generator=torch.Generator().manual_seed(0))
    validation, training = order[:5_000], order[5_000:][: options.images]
    data = TensorDataset(rows(images[training]), labels[training])
    # All shuffle alike; then each takes every world-th image. Together, that makes the batches of one process.
    sampler = DistributedSampler(data, world, rank, seed=options.seed)
    batches = BatchSampler(sampler, options.batch_size // world, drop_last=False)
    # These parts need not be equal, so no image has to be repeated.
    mine = validation[rank::world]
    return (
        DataLoader(data, sampler=batches, batch_size=None),
        batch_loader(rows(images[mine]), labels[mine], batch_size=1000),
        batch_loader(rows(test_images[rank::world]), test_labels[rank::world], batch_size=1000),
    )


# The checkpoint


def save(path, parts, settings, done):
    """Write how far the training is. A kill at any moment leaves the whole old file or the whole new one."""
    state = {name: part.state_dict() for name, part in parts.items()}
    unfinished = path.with_name(f"{path.name}.part")
    with open(unfinished, "wb") as file:
        torch.save({"done": done, "settings": settings, **state}, file)
        file.flush()
        os.fsync(file.fileno())  # on the disk, before it gets the name
    os.replace(unfinished, path)


def load(path, parts, settings, rank):
    """Put the parts where the checkpoint has them. Returns the number of epochs that are done: 0 without a checkpoint.

    The first process reads, and tells the others: they may be on machines without the file.
    Raises ValueError where it is no checkpoint, or one of another network or other settings.
    """
    found = [None]
    if rank == 0 and path.exists():
        try:
            found = [torch.load(path, map_location="cpu", weights_only=True)]
        except Exception as error:  # which one depends on the bytes
            found = [str(error).partition("\n")[0]]
    if distributed.is_initialized():
        distributed.broadcast_object_list(found)
    (state,) = found
    if state is None:
        return 0
    if not isinstance(state, dict) or not {"done", "settings", *parts} <= set(state):
        raise ValueError(
            f"is no checkpoint of this program: {state if isinstance(state, str) else 'parts are missing'}"
        )
    shapes, expected = (
        {k: tuple(v.shape) for k, v in s.items()} for s in (state["network"], parts["network"].state_dict())
    )
    if shapes != expected:
        differ = sorted(shapes.items() ^ expected.items())
        raise ValueError(f"is a checkpoint of another network: {', '.join(f'{k} {s}' for k, s in differ)}")
    differ = [name for name in settings if state["settings"].get(name) != settings[name]]
    if differ:
        before = ", ".join(f"--{name.replace('_', '-')} {state['settings'].get(name)}" for name in differ)
        raise ValueError(f"was begun with {before}: say so, too, or choose another file.")
    for name, part in parts.items():
        part.load_state_dict(state[name])
    return state["done"]


if __name__ == "__main__":
    main()
