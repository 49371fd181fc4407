"""One of the processes that `make bench PARTS=workers` compares; torchrun starts it. Usage: bench_workers.py BATCH ...

Trains 784-512-256-10 with `fit`, and prints a line of JSON for each size of batch (of all processes together): the samples
a second, with the exchange of gradients and without it, the seconds that one exchange takes by itself, and the most
memory, in megabytes, that this process has taken so far.
"""

import contextlib
import json
import os
import re
import sys
import time
from pathlib import Path

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from helpers.data import batch_loader, load_mnist
from helpers.training import fit

IMAGES = 16_384


def main(sizes):
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    distributed.init_process_group("gloo")
    rank, world = distributed.get_rank(), distributed.get_world_size()
    images, labels, _, _ = load_mnist()
    mine = slice(rank, IMAGES, world)
    X, y = images[mine].reshape(-1, 784) / 255, labels[mine]
    del images, labels
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))
    model = DistributedDataParallel(network) if world > 1 else network
    gradients = torch.zeros(sum(parameter.numel() for parameter in model.parameters()))

    def seconds(work):
        distributed.barrier()
        start = time.perf_counter()
        work()
        distributed.barrier()
        return time.perf_counter() - start

    def exchange():
        for _ in range(20):
            distributed.all_reduce(gradients)

    for size in sizes:
        loader = batch_loader(X, y, batch_size=size // world)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

        def epoch(loader=loader, optimizer=optimizer):
            fit(model, loader, nn.CrossEntropyLoss(), optimizer, epochs=1)

        def without_exchange(epoch=epoch):
            with model.no_sync() if world > 1 else contextlib.nullcontext():
                epoch()

        epoch()  # the first one does not count
        with_it = seconds(epoch)
        row = {
            "batch": size,
            "samples/s": IMAGES / with_it,
            "alone": IMAGES / seconds(without_exchange),
            "exchange": seconds(exchange) / 20,
            "MB": peak(),
        }
        if rank == 0:
            print(json.dumps(row), flush=True)
    distributed.destroy_process_group()


def peak():
    with contextlib.suppress(OSError):  # elsewhere than on Linux
        return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1000


if __name__ == "__main__":
    main(map(int, sys.argv[1:]))
