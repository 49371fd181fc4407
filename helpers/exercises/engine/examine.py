"""What comes out when an answer is compared with the solution of its exercise. No answer can make it raise.

An answer that does what a known mistake does gets its message. Any other wrong answer gets the first outcome in which it
differs from the solution.
"""

import contextlib
import copy
import functools
import inspect
import io
import random
import sys
import sysconfig
import threading
import types
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn

from helpers.exercises.engine.compare import Wrong, compare, numbers, show, show_both
from helpers.exercises.engine.exercise import Passed
from helpers.exercises.engine.untouched import untouched
from helpers.exercises.engine.words import MESSAGES, say

# Where the code of the course, of Python and of the installed packages lies
NOT_THE_READERS = (
    str(Path(__file__).parents[2]),
    sysconfig.get_path("stdlib"),
    sysconfig.get_path("purelib"),
    "<frozen",
)
SCREEN = 4000  # letters: what the reader's code may print while it is checked
PATIENCE = 10  # seconds until a check says that it is still running


class _Stopped(Wrong):
    """The reader's code raised."""


def examine(exercise, answer):
    """Returns (state, text): "open", "attempted", "solved", or "unjudged" where the check itself failed.

    Leaves the random numbers, the modes of torch and the reader's data as they are.
    """
    try:
        if _or_wrong(untouched, answer, exercise):
            return "open", MESSAGES["open repair" if exercise.stub else "open"](name=exercise.name)
        _or_wrong(_check_kind, exercise.solution, answer)
        with _on_the_side(exercise):
            result = _verdict(exercise, answer)
    except Wrong as wrong:
        return "attempted", MESSAGES["not yet"](message=wrong.message)
    except Exception as error:
        return "unjudged", MESSAGES["unjudged"](error=_told(error))
    if result is None:
        return "solved", MESSAGES["right"](why=exercise.why)
    return "solved", MESSAGES["right, with a result"](result=result, why=exercise.why)


_checking = False


@contextlib.contextmanager
def _on_the_side(exercise):
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
        with _world(), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(complained):
            yield
    finally:
        _checking = False
        reminder.cancel()


@contextlib.contextmanager
def _world():
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
        random.seed(0)
        np.random.seed(0)
        torch.default_generator.manual_seed(0)  # torch.manual_seed would seed a GPU that is not yet in use
        if devices:
            torch.cuda.manual_seed_all(0)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
            torch.set_default_dtype(dtype)
            if torch.get_default_device() != device:
                torch.set_default_device(device)
    torch.set_grad_enabled(grad)


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


def _verdict(exercise, answer):
    """What there is to report about a right answer, or None. Raises Wrong."""
    if exercise.verdict is not None:
        result = _judged(exercise, answer)
        if result is None or isinstance(result, Passed):
            return result and result.result
        raise Wrong(result)
    _or_wrong(_compare_all, exercise, _wanted(exercise), answer)
    return None


@functools.cache
def _wanted(exercise):
    """The outcomes of the solution. Raises whatever went wrong with them: that is a fault of the check."""
    with contextlib.redirect_stdout(io.StringIO()), _world():
        wanted = list(_outcomes(exercise, exercise.solution))
    for _, value in wanted:
        if isinstance(value, Wrong):
            raise value.error or value
    return wanted


def _or_wrong(step, *arguments):
    """What a step returns. What it raises about an answer that cannot even be looked at becomes a sentence."""
    try:
        return step(*arguments)
    except (KeyboardInterrupt, Wrong):
        raise
    except BaseException as error:
        raise Wrong(MESSAGES["unusable"](error=_told(error))) from error


def _compare_all(exercise, wanted, answer):
    with _world():
        given = list(_outcomes(exercise, answer))
    difference = _difference(exercise, wanted, given)
    if difference is not None:
        raise _named(exercise, given, *difference)


def _check_kind(wanted, answer):
    if answer is None:
        raise Wrong(MESSAGES["nothing"])
    if inspect.isclass(wanted):
        expected, fits = "a class", inspect.isclass(answer)
    elif callable(wanted):
        expected, fits = "a function", callable(answer)
    else:
        expected, fits = "a value", not callable(answer)
    if not fits:
        got = MESSAGES["a function"] if inspect.isfunction(answer) else show(answer)
        raise Wrong(MESSAGES["not callable"](expected=MESSAGES[expected], got=got))


def _judged(exercise, answer):
    try:
        return exercise.verdict(_guarded(exercise, answer))
    except (KeyboardInterrupt, Wrong):
        raise
    except BaseException as error:
        blame = _blame(error, answer)
        if isinstance(error, OSError) and not isinstance(blame, _Stopped):
            raise  # such as data that are missing: not the reader's fault
        raise blame from error


def _outcomes(exercise, answer):
    """What an answer gives: (what, value), where the last value is a Wrong if it went wrong."""
    if exercise.outcomes is not None:
        yield from _steps(exercise, answer)
    elif callable(exercise.solution):
        for arguments in exercise.cases:
            yield from _call(exercise, answer, arguments)
    else:
        yield MESSAGES["your answer"], answer


def _steps(exercise, answer):
    """The outcomes that a probe sees. (Not by `yield from`, which would take a GeneratorExit of the answer for its own.)"""
    probe = None
    while True:
        try:
            probe = probe or exercise.outcomes(_guarded(exercise, answer))
            step = next(probe, None)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit, too
            yield MESSAGES["your code"], error if isinstance(error, Wrong) else _blame(error, answer)
            return
        if step is None:
            return
        yield step


def _call(exercise, answer, arguments):
    """What a function returns for a case, and the arguments that it may change, afterwards."""
    shown = ", ".join(str(show(a)) for a in arguments)
    what = MESSAGES["call"](function=exercise.solution.__name__, arguments=shown)
    arguments = copy.deepcopy(arguments)  # the next answer gets them as they were
    try:
        yield what, _guarded(exercise, answer, what)(*arguments)
    except Wrong as wrong:
        yield what, wrong
    else:
        for name, argument in zip(_parameters(exercise), arguments, strict=False):
            if name in exercise.in_place:
                for part, value in _parts(name, argument):
                    yield MESSAGES["afterwards"](what=what, argument=part), value


def _parts(name, argument):
    """What can change in an argument: (name, value) pairs."""
    if isinstance(argument, nn.Module):
        return [(f"{name}.{key}", value) for key, value in argument.state_dict().items()]
    return [(name, argument)] if isinstance(argument, (torch.Tensor, np.ndarray)) else []


def _parameters(exercise):
    return list(inspect.signature(exercise.solution).parameters)


def _guarded(exercise, answer, what=MESSAGES["your code"]):
    """A function that calls the answer: what that raises becomes a sentence, and its arguments are looked at afterwards.

    A class stays as it is.
    """
    if inspect.isclass(exercise.solution) or not callable(answer):
        return answer

    names = _parameters(exercise)

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
            raise _Stopped(MESSAGES["stopped"](what=what, error=_told(error)), error) from error
        for name, mine, theirs in zip(names, own, arguments, strict=False):
            if mine is not theirs and not _equal(_seen(mine), _seen(theirs)):
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


def _seen(value):
    """What can be seen of an argument, as nested tuples of tensors that nobody changes."""
    if isinstance(value, nn.Module):
        return tuple(part.detach().clone() for part in value.state_dict().values())
    if isinstance(value, (list, tuple)):
        return tuple(_seen(part) for part in value)
    if isinstance(value, dict):
        return tuple(_seen(part) for part in value.items())
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    return torch.as_tensor(value.copy()) if isinstance(value, np.ndarray) else 0


def _equal(a, b):
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(_equal, a, b))
    if isinstance(a, torch.Tensor):
        return a.shape == b.shape and a.dtype == b.dtype and torch.allclose(a, b, 0, 0, equal_nan=True)
    return a == b


def _blame(error, answer):
    """The sentence for an error in a probe or a judge: did the reader's code raise it, or what was done with its result?"""
    error = _cause(error)
    codes, steps = _codes(answer), error.__traceback__
    while steps is not None:
        code = steps.tb_frame.f_code
        if code in codes or not code.co_filename.startswith(NOT_THE_READERS):
            return _Stopped(MESSAGES["stopped"](what=MESSAGES["your code"], error=_told(error)), error)
        steps = steps.tb_next
    return Wrong(MESSAGES["unusable"](error=_told(error)), error)


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


def _told(error):
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


def _difference(exercise, wanted, given):
    """(i, Wrong) for the first outcome that is not the wanted one, or None."""
    for i, (what, expected) in enumerate(wanted):
        if i >= len(given):
            return i, Wrong(MESSAGES["too few"](what=what))
        got = given[i][1]
        try:
            if isinstance(got, Wrong):
                raise got
            compare(what, expected, got, rtol=exercise.rtol, atol=exercise.atol)
        except Wrong as wrong:
            return i, wrong
    return None


def _named(exercise, given, i, wrong):
    """What to say of a wrong answer that differs first in outcome i: the message of a known mistake, or the difference."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the mistake, not of the answer
        for mistake in exercise.mistakes:
            with _world():
                if _does_the_same(exercise, mistake.answer, given):
                    # An error, NaN or a changed argument can have many causes.
                    vague = any(wrong.message.says(MESSAGES[name].words) for name in ("nan", "changed"))
                    if vague or isinstance(given[i][1], _Stopped):
                        return Wrong(MESSAGES["one cause"](happened=wrong.message, message=mistake.message))
                    return Wrong(mistake.message)
    if exercise.kind == "predict" and not isinstance(given[0][1], Wrong):
        return _without_the_secret(exercise, given[0][1])
    return wrong


def _does_the_same(exercise, mistake, given):
    """Whether a mistake has these outcomes."""
    count = 0
    for count, (what, value) in enumerate(_outcomes(exercise, mistake), start=1):
        if count > len(given):
            return False
        got = given[count - 1][1]
        if isinstance(value, Wrong) or isinstance(got, Wrong):
            if not (isinstance(value, Wrong) and isinstance(got, Wrong)):
                return False
            if str(value.message) != str(got.message):
                return False
        else:
            try:
                compare(what, value, got, rtol=exercise.rtol, atol=exercise.atol)
            except Wrong:
                return False
    return count == len(given)


def _without_the_secret(exercise, answer):
    """What to say to a wrong prediction without giving the number away."""
    wanted = exercise.solution
    if isinstance(wanted, str):
        form, fits = MESSAGES["a text"], isinstance(answer, str)
    elif isinstance(wanted, bool):
        form, fits = MESSAGES["True or False"], isinstance(answer, bool)
    elif isinstance(wanted, (tuple, list)):
        form = MESSAGES["numbers"](count=len(wanted))
        fits = isinstance(answer, (tuple, list)) and len(answer) == len(wanted)
    else:
        shape = tuple(numbers("", wanted).shape)
        form = MESSAGES["a tensor of shape"](shape=shape) if shape else MESSAGES["a number"]
        try:
            got = numbers("", answer)
            fits = not isinstance(answer, bool) and (got.shape == shape or (not shape and got.numel() == 1))
        except Wrong:
            fits = False
        if not shape and not fits and isinstance(answer, tuple) and list(map(type, answer)) == [int, int]:
            return Wrong(MESSAGES["comma"](got=show(answer)))
    got, _ = show_both(answer, wanted)
    return Wrong(MESSAGES["not it" if fits else "other form"](got=got, form=form))
