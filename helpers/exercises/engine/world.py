"""The world in which an answer is checked: the same for everybody, and afterwards as it was."""

import contextlib
import io
import random
import sys
import threading

import numpy as np
import torch

from helpers.exercises.engine.compare import Wrong
from helpers.exercises.engine.words import MESSAGES, say

SCREEN = 4000  # letters: what the reader's code may print while it is checked
PATIENCE = 10  # seconds until a check says that it is still running

_checking = False


@contextlib.contextmanager
def on_the_side(exercise):
    """Says that it takes long, lets the reader's code print a screenful, and puts the world back as it was."""
    global _checking
    if _checking:
        raise Wrong(MESSAGES["check in check"])
    if exercise.busy:
        say(exercise.name, exercise.busy)
    out, err = sys.stdout, sys.stderr
    reminder = threading.Timer(PATIENCE, say, (exercise.name, MESSAGES["slow"], out))
    reminder.daemon = True
    reminder.start()
    _checking = True
    try:
        printed, complained = _Screen(out, SCREEN), _Screen(err, 10 * SCREEN)  # progress bars write much
        with world(), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(complained):
            yield
    finally:
        _checking = False
        reminder.cancel()


@contextlib.contextmanager
def world():
    """The same random numbers, modes and defaults for everybody; afterwards they are as before."""
    python, numpy = random.getstate(), np.random.get_state()
    dtype, device = torch.get_default_dtype(), torch.get_default_device()
    grad = torch.is_grad_enabled()
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []
    with contextlib.ExitStack() as modes:
        modes.enter_context(torch.inference_mode(False))
        modes.enter_context(torch.enable_grad())
        modes.enter_context(torch.autocast("cpu", enabled=False))
        modes.enter_context(torch.random.fork_rng(devices=devices))
        if device.type != "cpu":
            torch.set_default_device("cpu")
        torch.set_default_dtype(torch.float32)
        begin()
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
            torch.set_default_dtype(dtype)
            # First none, which is all where there was none: a default, be it the CPU, slows down every call of PyTorch.
            torch.set_default_device(None)
            if torch.get_default_device() != device:
                torch.set_default_device(device)
    torch.set_grad_enabled(grad)


def begin():
    """The first random numbers of a world are the next ones."""
    random.seed(0)
    np.random.seed(0)
    torch.default_generator.manual_seed(0)  # torch.manual_seed would seed a GPU that is not yet in use
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(0)


class _Screen(io.TextIOBase):
    """Passes on what is printed, up to so many letters."""

    def __init__(self, out, limit):
        self.out, self.left = out, limit

    @property
    def encoding(self):
        return self.out.encoding

    def __getattr__(self, name):
        return getattr(self.out, name)

    def write(self, text):
        if self.left > 0:
            self.out.write(text[: self.left])
            self.left -= len(text)
            if self.left <= 0:
                self.out.write(f"\n{MESSAGES['cut']}\n")
        return len(text)

    def flush(self):
        self.out.flush()
