"""The guard between a check and the reader's code: what that raises or changes becomes a sentence."""

import copy
import functools
import inspect
import os
import sysconfig
import types
from pathlib import Path

import numpy as np
import torch
from torch import nn

from helpers.exercises.engine.compare import Wrong
from helpers.exercises.engine.words import MESSAGES

# Where the code of the course, of Python and of the installed packages lies
NOT_THE_READERS = (
    str(Path(__file__).parents[2]) + os.sep,
    sysconfig.get_path("stdlib"),
    sysconfig.get_path("purelib"),
    "<frozen",
)


class Stopped(Wrong):
    """The reader's code raised."""


def guard(exercise, answer, what=MESSAGES["your code"]):
    """A function that calls the answer: what that raises becomes a sentence, and its arguments are looked at afterwards.

    A class stays as it is.
    """
    if inspect.isclass(exercise.solution) or not callable(answer):
        return answer
    names = parameters(exercise)

    @functools.wraps(exercise.solution)
    def guarded(*arguments, **named):
        # copies, so that others are checked with the same; those that may change are the caller's
        changing = [name in exercise.in_place for name in names]
        own = [a if c else _copy(a) for c, a in zip(changing, arguments, strict=False)]
        try:
            result = answer(*own, *arguments[len(own) :], **named)
        except (KeyboardInterrupt, Wrong):
            raise
        except BaseException as error:  # SystemExit, too
            raise Stopped(stopped(what, error), error) from error
        for name, mine, theirs in zip(names, own, arguments, strict=False):
            if mine is not theirs and not _are_equal(theirs, mine):
                raise Wrong(MESSAGES["changed"](what=what, argument=name))
        return result

    return guarded


def _copy(value):
    """A copy of what an answer could change without a right to; all else as it is."""
    if isinstance(value, (torch.Tensor, np.ndarray, nn.Module, list, tuple, dict)):
        try:
            return copy.deepcopy(value)
        except Exception:  # a tensor with a graph, a list that holds a generator
            return value
    return value


def _are_equal(a, b):
    """Whether two arguments hold the same numbers; of what is neither a container nor a plain value, nothing is seen."""
    if isinstance(a, nn.Module) and isinstance(b, nn.Module):
        a, b = a.state_dict(), b.state_dict()
    if isinstance(a, dict) and isinstance(b, dict):
        a, b = list(a.items()), list(b.items())
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(_are_equal, a, b))
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        a, b = torch.as_tensor(a), torch.as_tensor(b)
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return a.shape == b.shape and a.dtype == b.dtype and torch.allclose(a, b, 0, 0, equal_nan=True)
    if isinstance(a, (bool, int, float, str)):
        return a is b or a == b  # a copy of NaN is the same object
    return type(a) is type(b)


def stopped(what, error):
    """The sentence for code that raised: a Text that quotes the error. what: a Text that begins the sentence."""
    return MESSAGES["stopped"](what=what, error=told(error))


def blame(error, answer):
    """The sentence for an error in a probe or a judge: did the reader's code raise it, or what was done with its result?"""
    error = _cause(error)
    codes, steps = _codes(answer), error.__traceback__
    while steps is not None:
        code = steps.tb_frame.f_code
        if code in codes or not code.co_filename.startswith(NOT_THE_READERS):
            return Stopped(stopped(MESSAGES["your code"], error), error)
        steps = steps.tb_next
    return Wrong(MESSAGES["unusable"](error=told(error)), error)


def _codes(answer):
    """The code that belongs to a function or a class: that of its methods and what is defined in them."""
    parts = [answer, *(part for kind in getattr(answer, "__mro__", ()) for part in vars(kind).values())]
    parts = [getattr(p, "__func__", getattr(p, "fget", p)) for p in parts]
    waiting = [inspect.unwrap(p).__code__ for p in parts if inspect.isfunction(p)]
    found = set()
    while waiting:
        found.add(code := waiting.pop())
        waiting += [c for c in code.co_consts if isinstance(c, types.CodeType)]
    return found


def told(error):
    """An error in a few words: its type and its first line."""
    error = _cause(error)
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # its __str__ fails
        lines = []
    name = type(error).__name__[:60]
    return f"{name}: {lines[0].rstrip('.')[:300]}" if lines else name


def _cause(error):
    """The error itself: in a generator, Python makes a RuntimeError of a StopIteration."""
    return error.__cause__ if isinstance(error.__cause__, StopIteration) else error


def parameters(exercise):
    return list(inspect.signature(exercise.solution).parameters)
