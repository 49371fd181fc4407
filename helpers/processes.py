"""What `fit` and `evaluate` need where several processes train one model (notebook 11); in one process it does nothing.

A process is a rank, numbered from 0, in the group that `torch.distributed.init_process_group` makes.
"""

import contextlib
import os
import signal
import threading

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel


def several():
    """Whether this is one of several processes that train together."""
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1


def is_first():
    """Whether this is the process that speaks for all: the first, or the only one."""
    return not several() or distributed.get_rank() == 0


def check(model, train_loader, device):
    """Refuse what several processes would train apart, or for ever.

    Raises ValueError for a model that is not a DistributedDataParallel, for another device than its own, and where the
    processes have unequal numbers of batches.
    """
    if not several():
        return
    if not isinstance(model, DistributedDataParallel):
        raise ValueError(
            f"{distributed.get_world_size()} processes train together, but the model of this one is its own: its gradients "
            "would never meet the others'. Wrap it before you make the optimizer: model = DistributedDataParallel(model)."
        )
    own = next(model.parameters()).device
    if device not in (own, torch.device(own.type)):  # "cuda" is the process's own GPU
        raise ValueError(
            f"A DistributedDataParallel stays where it was made. Move the model to {device}, then wrap it."
        )
    lengths = [None] * distributed.get_world_size()
    distributed.all_gather_object(lengths, len(train_loader))
    if len(set(lengths)) > 1:
        raise ValueError(
            f"The processes have {', '.join(map(str, lengths))} batches: after the last batch of one, the others would wait "
            "for its gradients. Give all the same number, for instance with a DistributedSampler."
        )


def gather(tensor):
    """The rows of all processes, those of rank 0 first: (n, ...) here and (m, ...) there becomes (n + m + ..., ...)."""
    if not several():
        return tensor
    world = distributed.get_world_size()
    lengths = [torch.zeros(1, dtype=torch.int64, device=tensor.device) for _ in range(world)]
    distributed.all_gather(lengths, torch.tensor([len(tensor)], device=tensor.device))
    # all_gather takes equal shapes only
    padded = tensor.new_zeros(max(lengths), *tensor.shape[1:])
    padded[: len(tensor)] = tensor
    parts = [torch.empty_like(padded) for _ in range(world)]
    distributed.all_gather(parts, padded)
    return torch.cat([part[:length] for part, length in zip(parts, lengths, strict=True)])


def share_buffers(model):
    """Give all processes the buffers of the first: a batch norm has measured the batches of its own process."""
    if several():
        for buffer in model.buffers():
            distributed.broadcast(buffer, src=0)


class Together:
    """The steps of a training: in several processes, losses are over the samples of all, and all stop in the same step.

    device: where sums are exchanged, the model's. An interrupt (the stop button, Ctrl+C) in one process waits for the next
    exchange, where all raise KeyboardInterrupt: one alone would leave the others waiting in the middle of a step.
    """

    def __init__(self, device):
        self.device = device
        self.told_to_stop = False
        self.parent = os.getppid()

    def mean_loss(self, loss, n):
        """The loss of one step over the samples of all processes.

        loss: the mean over the n samples of this one. Returns (loss to call backward on, its value over all samples, the
        number of all samples). DistributedDataParallel takes the mean of the gradients of all processes, so the returned
        loss is weighted: where the parts are unequal, too, that mean is the gradient of the loss over all samples.
        """
        if not several():
            return loss, loss.item(), n
        total, n_all = self._sum(loss.item() * n, n)
        return loss * (n * distributed.get_world_size() / n_all), total / n_all, int(n_all)

    def _sum(self, *numbers):
        # Who kills torchrun means its processes, too; it cannot pass that on.
        if distributed.is_torchelastic_launched() and os.getppid() != self.parent:
            raise OtherProcessError("This process ends, since torchrun, which started it, has ended.")
        sums = torch.tensor([*numbers, self.told_to_stop], dtype=torch.float64, device=self.device)
        distributed.all_reduce(sums)
        *sums, told_to_stop = sums.tolist()
        if told_to_stop:
            raise KeyboardInterrupt
        return sums

    def __enter__(self):
        # Python hears signals in its main thread only.
        self.hears = several() and threading.current_thread() is threading.main_thread()
        if self.hears:
            self.before = signal.signal(signal.SIGINT, self._note)
        return self

    def _note(self, *_):
        self.told_to_stop = True

    def __exit__(self, kind, *_):
        if self.hears:
            signal.signal(signal.SIGINT, self.before)
        if kind is None and several():
            self._sum()  # in the last validation, it was noted and nobody asked


class OtherProcessError(Exception):
    """Another process has ended, and so this one cannot go on."""


@contextlib.contextmanager
def one_for_all():
    """An error in the block ends all processes with its message.

    The process in which it happens leaves the message for the others. When that process ends, its connections close, and
    the next exchange of the others fails: they raise OtherProcessError with the message.
    """
    try:
        yield
    except OtherProcessError:
        raise
    except Exception as error:
        if not several():
            raise
        store = distributed.group.WORLD.get_group_store()
        # NCCL has an error of its own; Gloo's can be told by its text only.
        if isinstance(error, distributed.DistError) or "gloo" in str(error):
            raise OtherProcessError(_last_words(store)) from error
        store.set("error", f"rank {distributed.get_rank()} has ended with {type(error).__name__}: {error}")
        raise


def _last_words(store):
    with contextlib.suppress(distributed.DistError):  # it may have ended with the process that kept it
        if store.check(["error"]):
            return f"This process ends, since {store.get('error').decode()}"
    return "This process ends, since another one does not answer: see its message. If it left none, it was killed."
