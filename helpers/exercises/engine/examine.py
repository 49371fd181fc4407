"""What comes out when an answer is compared with the solution of its exercise. No answer can make it raise.

An answer that does what a known mistake does gets its message. Any other wrong answer gets the first outcome in which it
differs from the solution.
"""

import contextlib
import copy
import functools
import inspect
import io
import warnings

import numpy as np
import torch
from torch import nn

from helpers.exercises.engine.compare import Wrong, compare, numbers, show, show_both
from helpers.exercises.engine.exercise import Passed
from helpers.exercises.engine.guard import Stopped, blame, guard, parameters, told
from helpers.exercises.engine.untouched import untouched
from helpers.exercises.engine.words import MESSAGES
from helpers.exercises.engine.world import begin, on_the_side, world


def examine(exercise, answer):
    """Returns (state, text): "open", "attempted", "solved", or "unjudged" where the check itself failed.

    Leaves the random numbers, the modes of torch and the reader's data as they are.
    """
    try:
        if _or_wrong(untouched, answer, exercise):
            return "open", MESSAGES["open repair" if exercise.stub else "open"](name=exercise.name)
        _or_wrong(_check_kind, exercise.solution, answer)
        with on_the_side(exercise):
            result = _verdict(exercise, answer)
    except Wrong as wrong:
        return "attempted", MESSAGES["not yet"](message=wrong.message)
    except Exception as error:
        return "unjudged", MESSAGES["unjudged"](error=told(error))
    if result is None:
        return "solved", MESSAGES["right"](why=exercise.why)
    return "solved", MESSAGES["right, with a result"](result=result, why=exercise.why)


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
    with contextlib.redirect_stdout(io.StringIO()), world():
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
        raise Wrong(MESSAGES["unusable"](error=told(error))) from error


def _compare_all(exercise, wanted, answer):
    with world():
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
        return exercise.verdict(guard(exercise, answer))
    except (KeyboardInterrupt, Wrong):
        raise
    except BaseException as error:
        wrong = blame(error, answer)
        if isinstance(error, OSError) and not isinstance(wrong, Stopped):
            raise  # such as data that are missing: not the reader's fault
        raise wrong from error


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
            probe = probe or exercise.outcomes(guard(exercise, answer))
            step = next(probe, None)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit, too
            yield MESSAGES["your code"], error if isinstance(error, Wrong) else blame(error, answer)
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
        yield what, guard(exercise, answer, what)(*arguments)
    except Wrong as wrong:
        yield what, wrong
    else:
        for name, argument in zip(parameters(exercise), arguments, strict=False):
            if name in exercise.in_place:
                for part, value in _parts(name, argument):
                    yield MESSAGES["afterwards"](what=what, argument=part), value


def _parts(name, argument):
    """What can change in an argument: (name, value) pairs."""
    if isinstance(argument, nn.Module):
        return [(f"{name}.{key}", value) for key, value in argument.state_dict().items()]
    return [(name, argument)] if isinstance(argument, (torch.Tensor, np.ndarray)) else []


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
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), world():
        warnings.simplefilter("ignore")  # of the mistake, not of the answer
        for mistake in exercise.mistakes:
            begin()
            if _does_the_same(exercise, mistake.answer, given):
                # An error, NaN or a changed argument can have many causes.
                vague = any(wrong.message.says(MESSAGES[name].words) for name in ("nan", "changed"))
                if vague or isinstance(given[i][1], Stopped):
                    return Wrong(MESSAGES["one cause"](happened=wrong.message, message=mistake.message))
                return Wrong(mistake.message)
    if exercise.kind == "predict" and not isinstance(given[0][1], Wrong):
        return _without_the_secret(exercise, given[0][1])
    if wrong.message.says(MESSAGES["changed"].words):
        return Wrong(MESSAGES["changed, no known cause"](happened=wrong.message))
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
