"""`fit` and `evaluate` in several real processes, which exchange what they have to say as those of torchrun do."""

import copy
import math
import os
import re
import signal

import pytest
import torch
from processes import in_ranks, needs_fork
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import BatchSampler, DataLoader, DistributedSampler, TensorDataset

from helpers import training
from helpers.processes import OtherProcessError
from helpers.training import accuracy, evaluate, fit

pytestmark = needs_fork

X = torch.randn(24, 3, generator=torch.Generator().manual_seed(0))
y = (X[:, 0] > 0).long() + (X[:, 1] > 0).long()
X_val, y_val = X[:7] + 0.1, y[:7]
SPREAD = {"spread": lambda y_hat, y: y_hat.std(), "accuracy": accuracy}  # the first is no mean over batches


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3))


def weights(model):
    """All numbers of a model in a list: a tensor that one process sends to another must not outlive it."""
    return [number for value in model.state_dict().values() for number in value.flatten().tolist()]


def train(model, train_loader, loss_fn=None, epochs=3, **options):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.9)
    loss_fn = loss_fn or nn.CrossEntropyLoss()
    return fit(model, train_loader, loss_fn, optimizer, epochs=epochs, scheduler=scheduler, **options)


def batches(rows):
    return [(X[rows(start)], y[rows(start)]) for start in (0, 8, 16)]


# Which rows of the batch that begins at `start` a rank gets, and which rows and batches of the validation
EQUAL = [lambda start: slice(start, start + 4), lambda start: slice(start + 4, start + 8)]
UNEQUAL = [lambda start: slice(start, start + 1), lambda start: slice(start + 1, start + 8)]
THREE = [lambda start, rank=rank: slice(start + rank, start + 8, 3) for rank in range(3)]
VALIDATION = [[slice(0, 2), slice(2, 4), slice(4, 5)], [slice(5, 6)], [slice(6, 7)]]


def val_loader(rank, world):
    rows = VALIDATION[rank:] if rank == world - 1 else VALIDATION[rank : rank + 1]
    return [(X_val[part], y_val[part]) for parts in rows for part in parts]


@pytest.mark.parametrize("parts", [EQUAL, UNEQUAL, THREE], ids=["equal", "unequal", "three"])
def test_several_processes_train_and_measure_as_one(parts, monkeypatch):
    """The same gradients, losses and metrics as one process with all rows, in all of them, and one bar."""
    bars = []

    class Bar(training.tqdm):
        def __init__(self, *args, **options):
            bars.append(options["disable"])
            super().__init__(*args, **options)

    monkeypatch.setattr(training, "tqdm", Bar)
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    world = len(parts)

    def work(rank):
        bars.clear()
        model = DistributedDataParallel(network())
        loaders = {"val_loader": val_loader(rank, world), "metrics": SPREAD}
        history = train(model, batches(parts[rank]), **loaders)
        return history.rows, weights(model), bars, model.training

    model = network()
    alone = train(model, batches(lambda start: slice(start, start + 8)), val_loader=[(X_val, y_val)], metrics=SPREAD)
    ranks = in_ranks(work, world)
    for rank, (rows, numbers, bars, in_train_mode) in enumerate(ranks):
        assert rows == ranks[0][0] and numbers == ranks[0][1]
        assert bars == [rank > 0] and not in_train_mode
        assert numbers == pytest.approx(weights(model), abs=1e-6)
        for row, expected in zip(rows, alone.rows, strict=True):
            assert row == pytest.approx(expected, abs=1e-6)


def test_what_a_batch_norm_has_measured_is_the_same_in_all():
    def work(rank):
        torch.manual_seed(0)
        model = DistributedDataParallel(nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 3)))
        train(model, batches(EQUAL[rank]))
        after_fit = weights(model)
        model.train()(X[rank * 4 : rank * 4 + 4])  # as in a training loop by hand
        different = weights(model)
        result = evaluate(model, val_loader(rank, 2), nn.CrossEntropyLoss())
        return after_fit, different, weights(model), result

    (after_fit, different, after_evaluate, result), other = in_ranks(work)
    assert (after_fit, after_evaluate, result) == (other[0], *other[2:])
    assert different != other[1], "the batches measured the same, so this shows nothing"


@pytest.mark.parametrize("form", ["batches", "batch_sampler", "whole batches"])
def test_a_sampler_is_told_the_epoch(form):
    rows = TensorDataset(torch.arange(24).float().unsqueeze(1), torch.zeros(24, 1))
    sampler = DistributedSampler(rows, num_replicas=2, rank=1)
    loader = {
        "batches": lambda: DataLoader(rows, batch_size=4, sampler=sampler),
        "batch_sampler": lambda: DataLoader(rows, batch_sampler=BatchSampler(sampler, 4, False)),
        "whole batches": lambda: DataLoader(rows, sampler=BatchSampler(sampler, 4, False), batch_size=None),
    }[form]()
    seen = []
    loss_fn = lambda y_hat, y: (seen.append(sampler.epoch), y_hat.mean())[1]  # noqa: E731
    model = nn.Linear(1, 1)
    fit(model, loader, loss_fn, torch.optim.SGD(model.parameters(), lr=0.0), epochs=4, start=1)
    assert seen == [epoch for epoch in (1, 2, 3) for _ in range(3)]


def test_a_training_goes_on_where_a_saved_one_ended():
    def adam(model):
        return torch.optim.Adam(model.parameters(), lr=0.1)

    whole, rest, loader, done, saved = network(), network(), batches(EQUAL[0]), [], {}
    optimizer = adam(whole)

    def save(epochs):
        done.append(epochs)
        saved[epochs] = copy.deepcopy((whole.state_dict(), optimizer.state_dict()))

    history = fit(whole, loader, nn.CrossEntropyLoss(), optimizer, epochs=5, after_epoch=save)
    numbers, state = saved[2]
    rest.load_state_dict(numbers)
    optimizer = adam(rest)
    optimizer.load_state_dict(state)
    assert fit(rest, loader, nn.CrossEntropyLoss(), optimizer, epochs=5, start=2)["loss"] == history["loss"][2:]
    assert weights(rest) == weights(whole) and done == [1, 2, 3, 4, 5]


def test_an_interrupt_in_one_stops_all_in_the_same_step():
    def work(rank):
        model, calls = DistributedDataParallel(network()), []

        def loss_fn(y_hat, y):
            calls.append(1)
            if rank == 1 and len(calls) == 8:  # in the second batch of the third epoch
                os.kill(os.getpid(), signal.SIGINT)
            return nn.functional.cross_entropy(y_hat, y)

        before = signal.getsignal(signal.SIGINT)
        history = train(model, batches(EQUAL[rank]), loss_fn, epochs=100)
        assert signal.getsignal(signal.SIGINT) is before
        return history.rows, history.interrupted, len(calls), weights(model)

    first, second = in_ranks(work)
    rows, interrupted, calls, _ = first
    assert first == second and len(rows) == 2 and interrupted and calls == 8


def test_an_interrupt_in_the_last_validation_is_not_lost():
    def work(rank):
        def metric(y_hat, y):
            if rank == 1:
                os.kill(os.getpid(), signal.SIGINT)
            return 0.0

        model = DistributedDataParallel(network())
        options = {"val_loader": val_loader(rank, 2), "metrics": {"none": metric}}
        history = train(model, batches(EQUAL[rank]), epochs=1, **options)
        return history.interrupted, len(history)

    assert in_ranks(work) == [(True, 1)] * 2


class Broken(nn.Module):
    """Fails on the way back."""

    class Function(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            raise ValueError("mine alone")

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.Function.apply(self.model(x))


def failing(*_):
    raise ValueError("mine alone")


class FailingLoader(list):
    def __iter__(self):
        yield self[0]
        failing()


PLACES = {
    "loader": lambda loader: {"train_loader": FailingLoader(loader)},
    "loss": lambda loader: {"loss_fn": failing},
    "labels": lambda loader: {"train_loader": [(X_batch, y_batch - 1) for X_batch, y_batch in loader]},
    "hook": lambda loader: {"after_epoch": failing},
    "validation": lambda loader: {"val_loader": FailingLoader(loader)},
}


@pytest.mark.parametrize("place", [*PLACES, "backward"])
def test_an_error_in_one_ends_all_with_its_message(place):
    def work(rank):
        loader = batches(EQUAL[rank])
        model = network()
        if rank == 1 and place == "backward":
            model = Broken(model)
        options = {"train_loader": loader, "val_loader": loader}
        if rank == 1 and place in PLACES:
            options |= PLACES[place](loader)
        try:
            train(DistributedDataParallel(model), **options)
        except OtherProcessError as error:
            return str(error), distributed.group.WORLD.get_group_store().get("error").decode()

    first, second = in_ranks(work)
    message = "Labels go from -1" if place == "labels" else "mine alone"
    assert isinstance(second, ValueError) and message in str(second)
    words = f"rank 1 has ended with ValueError: {second}"
    assert first == (f"This process ends, since {words}", words)  # and what a third one would read


def test_a_loss_that_is_no_number_in_one_is_none_in_all():
    def work(rank):
        loader = batches(EQUAL[rank])
        if rank == 1:
            loader[2] = loader[2][0] * torch.inf, loader[2][1]
        model = DistributedDataParallel(network())
        try:
            train(model, loader)
        except FloatingPointError as error:
            return str(error), weights(model)

    first, second = in_ranks(work)
    message, numbers = first
    assert first == second and "nan in epoch 1, at step 3" in message and all(map(math.isfinite, numbers))


def test_a_killed_process_is_no_riddle():
    def work(rank):
        loss_fn = (lambda *_: os.kill(os.getpid(), signal.SIGKILL)) if rank == 1 else None
        train(DistributedDataParallel(network()), batches(EQUAL[rank]), loss_fn)

    first, second = in_ranks(work)
    assert second is None
    assert isinstance(first, OtherProcessError) and "was killed" in str(first)


@pytest.mark.parametrize(
    ("wrap", "rows", "device", "message"),
    [
        (lambda model: model, 3, None, r"2 processes.*DistributedDataParallel\(model\)"),
        (DistributedDataParallel, 2, None, "have 3, 2 batches"),
        (DistributedDataParallel, 3, "meta", "Move the model to meta, then wrap"),
    ],
    ids=["a model of its own", "fewer batches", "another device"],
)
def test_what_would_train_apart_or_for_ever_is_refused(wrap, rows, device, message):
    def work(rank):
        train(wrap(network()), batches(EQUAL[rank])[: rows if rank else 3], device=device)

    for error in in_ranks(work):
        assert isinstance(error, ValueError) and re.search(message, str(error))
