"""The training loop that the reader writes by hand in notebook 02, kept in one place for the notebooks after it."""

import math
import os

import torch
from tqdm.auto import tqdm

from helpers import processes


@processes.one_for_all()
def fit(
    model,
    train_loader,
    loss_fn,
    optimizer,
    *,
    epochs,
    val_loader=None,
    metrics=None,
    scheduler=None,
    device=None,
    start=0,
    after_epoch=None,
):
    """Train `model` in place, and show the progress in one bar.

    train_loader: yields batches X (n, ...), y (n, ...) and has a length; a list with one pair is a full batch.
    loss_fn: takes (y_hat, y), returns the mean loss over the batch.
    val_loader: evaluated after each epoch; `metrics` then are functions of (y_hat, y) by name, as in `evaluate`.
    scheduler: stepped after every batch, so its lengths are counted in batches.
    device: where to train; the device that the model is on, where not given.
    start: how many of the epochs a saved training has behind it; this one goes on with the next.
    after_epoch: called with the number of epochs that are done, after each: the place to save.

    In several processes (`torch.distributed`), each calls `fit` with a DistributedDataParallel and a loader of its own
    rows, as many batches as the others. The call then is what it is in one process with all rows: one bar, on the first
    rank, and one history, which all get; a loss is the mean over the samples of all, and so is its gradient, also where
    the parts of a batch are unequal. A sampler of the loader that has `set_epoch` is told the epoch, from 0, so that it
    shuffles anew each time. (A DistributedSampler repeats samples until all ranks have as many; those count twice.)
    An interrupt or an error in one process ends the training in all of them.

    Returns a `History` with one row per epoch: loss (the mean over the epoch's samples, while the weights changed), and
    val_loss and val_<metric> with a val_loader. The model is left in eval mode. An interrupt (the stop button)
    ends the training early: the history so far is returned, the model keeps what it has learned.
    Raises ValueError for an empty loader, for shapes that a loss would silently broadcast, for labels outside the
    classes, and for what several processes would not train as one; FloatingPointError where the loss becomes NaN or
    infinite; OutOfMemoryError where the device is full; OtherProcessError where another process has failed.
    """
    device = torch.device(device) if device else next(model.parameters()).device
    history = History()
    per_epoch = _length(train_loader)
    processes.check(model, train_loader, device)
    # tqdm's bar for notebooks does not read tqdm's own variable TQDM_DISABLE, so it is read here.
    quiet = bool(os.environ.get("TQDM_DISABLE")) or not processes.is_first()
    bar = tqdm(total=epochs * per_epoch, initial=start * per_epoch, unit="batch", disable=quiet)
    try:
        model.to(device)
        with processes.Together(device) as together:
            for epoch in range(start, epochs):
                _set_epoch(train_loader, epoch)
                bar.set_description(f"epoch {epoch + 1}/{epochs}", refresh=False)
                model.train()
                total, n = 0.0, 0
                for step, (X_batch, y_batch) in enumerate(train_loader, epoch * per_epoch):
                    X_batch, y_batch = X_batch.to(device), y_batch.to(device)
                    y_hat = model(X_batch)
                    if epoch == start:
                        _check_batch(y_hat, y_batch)
                    loss = loss_fn(y_hat, y_batch)
                    loss, value, size = together.mean_loss(loss, len(X_batch))
                    _check_finite(value, epoch, step)
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    if scheduler is not None:
                        scheduler.step()
                    total, n = total + value * size, n + size
                    # True when it was drawn, at most ten times a second; text in every step would cost as much as a small step.
                    if bar.update():
                        bar.set_postfix_str(f"loss {value:.4f}", refresh=False)
                row = {"loss": total / n}
                if val_loader is not None:
                    results = evaluate(model, val_loader, loss_fn, metrics)
                    row |= {f"val_{name}": result for name, result in results.items()}
                history.rows.append(row)
                bar.set_postfix_str(_summary(row), refresh=False)
                if after_epoch is not None:
                    after_epoch(epoch + 1)
    except KeyboardInterrupt:
        history.interrupted = True
    except RuntimeError as error:
        if "out of memory" not in str(error):  # each kind of device has its own error, and these words in common
            raise
        raise torch.OutOfMemoryError(
            f"The memory of {device} is full. Make the batches smaller, those of val_loader, too; or restart the kernel and "
            "run on the CPU, with %env COURSE_DEVICE=cpu in the first cell."
        ) from error
    finally:
        bar.close()
        model.eval()
    processes.share_buffers(model)
    return history


@processes.one_for_all()
@torch.no_grad()
def evaluate(model, loader, loss_fn, metrics=None):
    """Loss and metrics of `model` over all samples of `loader`, in eval mode and without gradients.

    metrics: functions of (y_hat, y) by name. Each sees all samples at once, so that a metric which is no mean
    over batches (RMSE, R squared) is right too. Returns a dict: "loss" and one float per metric.
    The model is left in the mode it was in. Raises ValueError as `fit` does.

    In several processes, each calls it with a loader of its own rows, as many as it likes; all get the results of all rows.
    (A DistributedSampler repeats some, which then count twice. X[rank::world] does not.)
    """
    device = next(model.parameters()).device
    _length(loader)
    was_training = model.training
    model.eval()
    try:
        pairs = [(model(X_batch.to(device)), y_batch.to(device)) for X_batch, y_batch in loader]
    finally:
        model.train(was_training)
    y_hat, y = (processes.gather(torch.cat(parts)) for parts in zip(*pairs, strict=True))
    _check_batch(y_hat, y)
    functions = {"loss": loss_fn, **(metrics or {})}
    return {name: float(function(y_hat, y)) for name, function in functions.items()}


class History:
    """What `fit` saw: `history["loss"]` is a list with one number per epoch, `len(history)` the number of epochs.

    rows: one dict per epoch. interrupted: whether the training was stopped before its last epoch.
    """

    def __init__(self):
        self.rows = []
        self.interrupted = False

    @property
    def names(self):
        """The names of the curves, in the order in which they were measured."""
        return list(self.rows[0]) if self.rows else []

    def __getitem__(self, name):
        if name not in self.names:
            raise KeyError(f"no curve {name!r} in this history; it has {', '.join(self.names) or 'no epochs'}")
        return [row[name] for row in self.rows]

    def __len__(self):
        return len(self.rows)

    def __repr__(self):
        last = _summary(self.rows[-1]) if self.rows else "nothing yet"
        return f"History of {len(self)} epochs{' (interrupted)' if self.interrupted else ''}: {last}"


def accuracy(logits, y):
    """Fraction of rows whose largest logit is the true class.

    logits: (n, k) scores; y: (n,) class ids in 0..k-1. Returns a float in [0, 1].
    Raises ValueError where n differs or is 0.
    """
    if logits.ndim != 2 or y.ndim != 1 or len(logits) != len(y) or len(y) == 0:
        raise ValueError(
            f"accuracy needs logits (n, k) and class ids (n,), got {_shape(logits)} and {_shape(y)}. "
            "For one logit per row, compare it with 0 yourself."
        )
    return (logits.argmax(dim=1) == y).float().mean().item()


def _summary(row):
    return ", ".join(f"{name} {value:.4f}" for name, value in row.items())


def _length(loader):
    if len(loader) == 0:
        raise ValueError(
            "The loader yields no batch. Is the data set empty, or smaller than batch_size with drop_last=True?"
        )
    return len(loader)


def _check_batch(y_hat, y):
    """Refuse a pair that a loss would take, but not for what was meant."""
    if y_hat.shape == y.shape:
        return
    class_ids = not y.is_floating_point() and y_hat.ndim == y.ndim + 1 and len(y_hat) == len(y)
    if not class_ids:
        raise ValueError(
            f"Predictions have the shape {_shape(y_hat)}, targets {_shape(y)}. A loss would broadcast them against each "
            "other and average over pairs that do not belong together. Give both the same shape, for instance with "
            "y.unsqueeze(1); class ids are integers of shape (n,) for predictions (n, k)."
        )
    k = y_hat.shape[1]
    low, high = y.min().item(), y.max().item()
    if low < 0 or high >= k:
        raise ValueError(
            f"Labels go from {low} to {high}, but the model has {k} outputs: class ids must be in 0..{k - 1}. "
            "Renumber the classes, or change the size of the last layer."
        )


def _set_epoch(loader, epoch):
    """Tell a sampler that shuffles by the epoch (a DistributedSampler, also within a BatchSampler) which one it is."""
    sampler = getattr(loader, "batch_sampler", None) or getattr(loader, "sampler", None)
    while sampler is not None:
        if hasattr(sampler, "set_epoch"):
            sampler.set_epoch(epoch)
        sampler = getattr(sampler, "sampler", None)


def _check_finite(value, epoch, step):
    if not math.isfinite(value):
        raise FloatingPointError(
            f"The loss became {value} in epoch {epoch + 1}, at step {step + 1} of the training. The usual reason is a "
            "learning rate that is too large: make a new model and try a tenth of it. If it happens at step 1, "
            "look for NaN or huge numbers in the data."
        )


def _shape(tensor):
    return tuple(tensor.shape)
