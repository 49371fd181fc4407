"""What an exercise is, and how an answer is compared with its solution.

A check knows the usual mistakes because each exercise lists them as code: an answer that behaves like one of them gets
the message that belongs to it. Any other wrong answer gets the first case in which it differs from the solution.
"""

import copy
import dis
import inspect
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch

MESSAGES = {
    "open": 'not attempted yet. Put your answer in place of the ... and run the cell again; hint("{name}") helps.',
    "open repair": 'not attempted yet. Change the code until it is right, and run the cell again; hint("{name}") helps.',
    "right": "right. {why}",
    "wrong": "not yet. {message}",
    "raised": "{what} stopped with {error}.",
    "differs": "{what}: expected {expected}, got {got}.",
    "none": "{what} gives None. Is there a return?",
    "nothing": "your answer is None, that is, nothing yet.",
    "nan": "{what} gives NaN or infinity where a finite number is expected.",
    "kind": "{what} gives {got}, where {expected} is expected.",
    "list": "{what} gives a Python list. Make it a tensor: torch.tensor(...).",
    "shape": "{what} has the shape {got}, it should be {expected}.",
    "integers": "{what} holds whole numbers ({got}), so everything after the point is lost. Make it floating point.",
    "length": "{what} has {got} entries, {expected} are expected.",
    "no numbers": "{what} is a tensor on the device {got}, which holds no numbers that could be compared.",
    "not callable": "expected {expected}, got {got}.",
    "not it": "it is not {got}.",
    "other form": "your answer is {got}, but {form} is asked for.",
    "slow": "still running your code ...",
}


class Mistake(NamedTuple):
    """A plausible wrong answer, and what to say to whoever gives it. `message` ends with a full stop."""

    answer: Any
    message: str


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """One exercise. The prompt and the stub stand in the notebook, everything else here.

    name: unique in the course; the stub defines a function, class or value, and hands it to `check(name, ...)`.
    kind: predict (a value), write, repair (broken code), or design (something that is measured).
    solution: a function, class or value that could stand in the cell; a value is shown with its `working`.
    why: one sentence for whoever is right, on what the answer is good for.
    hints: two or three, from a nudge to nearly a recipe.
    mistakes: two or more, each recognised by its behaviour, and tested.
    also_right: other forms that must be accepted (NumPy, another dtype, other algebra); tested.
    cases: for a function: tuples of arguments, the smallest first.
    probe: for anything else: a generator function that takes the answer and yields (what, value) pairs, which are
        compared with those of the solution; `what` starts a sentence ("the weight after two steps").
    judge: for a design: takes the answer, returns None where it is good enough, else a message that ends with a full
        stop. It replaces the comparison, and may return `Passed("how good it was.")`.
    stub: for a repair: the broken function, the same as in the notebook. Unchanged, it counts as not attempted.
    busy: said at the start by a check that takes more than a few seconds.
    """

    name: str
    kind: str
    solution: Any
    why: str
    hints: tuple[str, ...]
    mistakes: tuple[Mistake, ...]
    also_right: tuple = ()
    cases: tuple[tuple, ...] = ()
    probe: Callable | None = None
    judge: Callable | None = None
    stub: Any = None
    working: str = ""
    busy: str = ""
    rtol: float = 1e-4
    atol: float = 1e-5


class Passed(str):
    """What a judge returns for a good answer when it has a result to report."""


class _Wrong(Exception):
    """The answer is wrong; the text says how."""


def examine(exercise, answer):
    """Returns (state, text): "open", "attempted" or "solved", and what to say. Leaves the random numbers as they are."""
    if _untouched(answer, exercise.stub):
        form = "open repair" if exercise.stub is not None else "open"
        return "open", MESSAGES[form].format(name=exercise.name)
    if exercise.busy:
        print(f"{exercise.name}: {exercise.busy}", flush=True)
    reminder = threading.Timer(
        10, lambda: print(f"{exercise.name}: {MESSAGES['slow']}", flush=True)
    )
    reminder.daemon = True
    reminder.start()
    try:
        report = _verdict(exercise, answer)
    except _Wrong as wrong:
        message = str(wrong)
        if message.startswith(("your ", "it ", "expected ")):  # elsewhere it may begin with code
            message = message[:1].upper() + message[1:]
        return "attempted", MESSAGES["wrong"].format(message=message)
    finally:
        reminder.cancel()
    return "solved", MESSAGES["right"].format(why=f"{report} {exercise.why}".strip())


def _verdict(exercise, answer):
    """What there is to report about a right answer. Raises _Wrong."""
    _check_kind(exercise, answer)
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        if exercise.judge is not None:
            torch.manual_seed(0)
            result = _run("your code", exercise.judge, answer)
            if result is None or isinstance(result, Passed):
                return result or ""
            raise _Wrong(result)
        given, wanted = _outcomes(exercise, answer), _outcomes(exercise, exercise.solution)
        try:
            _compare_all(exercise, wanted, given)
        except _Wrong as wrong:
            for mistake in exercise.mistakes:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of the mistake, not of the answer
                    outcomes = _outcomes(exercise, mistake.answer)
                if _behaves_like(exercise, outcomes, given):
                    raise _Wrong(mistake.message) from None
            raise _keep_secret(exercise, answer) if exercise.kind == "predict" else wrong from None
    return ""


def _keep_secret(exercise, answer):
    """What to say to a wrong prediction without giving the number away."""
    wanted = exercise.solution
    if isinstance(wanted, (bool, str)):
        form = "True or False" if isinstance(wanted, bool) else "a text"
        fits = isinstance(answer, type(wanted))
    elif isinstance(wanted, (tuple, list)):
        form = f"a tuple of {len(wanted)} numbers"
        fits = isinstance(answer, (tuple, list)) and len(answer) == len(wanted)
    else:
        form = (
            f"a tensor of shape {tuple(wanted.shape)}"
            if isinstance(wanted, torch.Tensor)
            else "a number"
        )
        fits = getattr(answer, "shape", ()) == getattr(wanted, "shape", ()) and not isinstance(
            answer, str
        )
    message = MESSAGES["not it"] if fits else MESSAGES["other form"]
    return _Wrong(message.format(got=_show(answer), form=form))


def _check_kind(exercise, answer):
    wanted = exercise.solution
    if answer is None:
        raise _Wrong(MESSAGES["nothing"])
    if inspect.isclass(wanted) and not inspect.isclass(answer):
        raise _Wrong(MESSAGES["not callable"].format(expected="a class", got=_show(answer)))
    if callable(wanted) and not callable(answer):
        raise _Wrong(MESSAGES["not callable"].format(expected="a function", got=_show(answer)))
    if not callable(wanted) and callable(answer):
        raise _Wrong(MESSAGES["not callable"].format(expected="a value", got="a function"))


def _outcomes(exercise, answer):
    """What an answer gives: a list of (what, value), where the value is a _Wrong if the code stopped."""
    torch.manual_seed(0)  # the same random numbers for everybody
    outcomes = []
    if exercise.probe is not None:
        try:
            outcomes.extend(_steps(exercise.probe, answer))
        except _Wrong as wrong:
            outcomes.append(("your code", wrong))
    elif callable(exercise.solution):
        for arguments in exercise.cases:
            what = f"{exercise.solution.__name__}({', '.join(_show(a) for a in arguments)})"
            try:
                # the answer may change its arguments, the next one gets them as they were
                outcomes.append((what, _run(what, answer, *copy.deepcopy(arguments))))
            except _Wrong as wrong:
                outcomes.append((what, wrong))
    else:
        outcomes.append(("your answer", answer))
    return outcomes


def _steps(probe, answer):
    steps = _run("your code", probe, answer)
    while True:
        step = _run("your code", next, steps, None)
        if step is None:
            return
        yield step


def _compare_all(exercise, wanted, given):
    """Raises _Wrong at the first outcome in `given` that differs from the one in `wanted`."""
    for i, (what, expected) in enumerate(wanted):
        got = given[i][1] if i < len(given) else given[-1][1]
        if isinstance(got, _Wrong) or isinstance(expected, _Wrong):
            if str(got) != str(expected):
                raise got if isinstance(got, _Wrong) else expected
        else:
            _compare(what, expected, got, exercise)


def _behaves_like(exercise, mistake, given):
    try:
        _compare_all(exercise, mistake, given)
    except _Wrong:
        return False
    return True


def _run(what, function, *arguments):
    """Call the reader's code; whatever it raises becomes a sentence."""
    try:
        return function(*arguments)
    except _Wrong:
        raise
    except Exception as error:
        lines = str(error).strip().splitlines()
        text = f"{type(error).__name__}: {lines[0].rstrip('.')}" if lines else type(error).__name__
        raise _Wrong(MESSAGES["raised"].format(what=what, error=text)) from None


def _compare(what, expected, got, exercise):
    if expected is None and got is None:
        return
    if got is None:
        raise _Wrong(MESSAGES["none"].format(what=what))
    if isinstance(expected, (str, bool)):
        same = (
            got == expected
            if not isinstance(got, torch.Tensor)
            else got.numel() == 1 and got.item() == expected
        )
        if not same:
            raise _Wrong(
                MESSAGES["differs"].format(what=what, expected=_show(expected), got=_show(got))
            )
    elif isinstance(expected, (tuple, list)):
        if isinstance(got, (torch.Tensor, np.ndarray)) and got.ndim == 1:
            _check_numbers(what, got)
            got = tuple(got.tolist())
        if not isinstance(got, (tuple, list)):
            raise _Wrong(
                MESSAGES["kind"].format(what=what, expected=_show(expected), got=_show(got))
            )
        if len(got) != len(expected):
            raise _Wrong(MESSAGES["length"].format(what=what, expected=len(expected), got=len(got)))
        for i, (e, g) in enumerate(zip(expected, got, strict=True)):
            _compare(what if len(expected) == 1 else f"{what}, entry {i}", e, g, exercise)
    else:
        _compare_numbers(what, expected, got, exercise)


def _compare_numbers(what, expected, got, exercise):
    expected = torch.as_tensor(expected)
    if isinstance(got, list) and expected.ndim:
        raise _Wrong(MESSAGES["list"].format(what=what))
    _check_numbers(what, got)
    try:
        numbers = torch.as_tensor(got).detach().cpu()
        a, b = expected.detach().cpu().double(), numbers.double()
    except (TypeError, ValueError, RuntimeError):
        raise _Wrong(
            MESSAGES["kind"].format(what=what, expected=_show(expected), got=_show(got))
        ) from None
    if b.shape != a.shape and not (a.ndim == 0 and b.numel() == 1):
        raise _Wrong(MESSAGES["shape"].format(what=what, expected=_shape(a), got=_shape(b)))
    b = b.reshape(a.shape)
    if a.isfinite().all() and not b.isfinite().all():
        raise _Wrong(MESSAGES["nan"].format(what=what))
    if not torch.allclose(a, b, rtol=exercise.rtol, atol=exercise.atol, equal_nan=True):
        if (
            expected.is_floating_point()
            and not numbers.is_floating_point()
            and torch.equal(a.trunc(), b)
        ):
            raise _Wrong(MESSAGES["integers"].format(what=what, got=str(numbers.dtype)))
        raise _Wrong(
            MESSAGES["differs"].format(what=what, expected=_show(expected), got=_show(got))
        )


def _shape(tensor):
    return tuple(tensor.shape) or "() (a single number)"


def _check_numbers(what, got):
    if isinstance(got, torch.Tensor) and got.device.type == "meta":
        raise _Wrong(MESSAGES["no numbers"].format(what=what, got=got.device))


def _show(value):
    """A value as short as it can be read: 4 decimals, no dtype, nested lists for tensors."""
    if isinstance(value, (torch.Tensor, np.ndarray)):
        tensor = torch.as_tensor(value).detach()
        if tensor.device.type == "meta":
            return "a tensor without numbers"
        if tensor.numel() > 24:
            return f"a tensor of shape {tuple(tensor.shape)}"
        return _show(tensor.tolist())
    if isinstance(value, float):
        if value == 0 or 1e-3 <= abs(value) < 1e6:
            return f"{value:.4f}".rstrip("0").rstrip(".")
        return f"{value:.3e}"
    if isinstance(value, (list, tuple)):
        inside = ", ".join(_show(item) for item in value)
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' * (len(value) == 1)})"
    if callable(value):
        return getattr(value, "__name__", type(value).__name__)
    text = repr(value)
    # an address in memory differs from run to run
    return text if len(text) < 80 and " at 0x" not in text else f"a {type(value).__name__}"


def _untouched(answer, stub):
    if stub is not None:
        return _same(answer, stub)
    if inspect.isclass(answer):
        methods = [value for value in vars(answer).values() if inspect.isfunction(value)]
        return any(_is_empty(method) for method in methods)
    return answer is ... or _is_empty(answer)


def _is_empty(function):
    """Whether a function does nothing: `...` or a docstring alone."""
    if not inspect.isfunction(function):
        return False
    function = inspect.unwrap(function)  # under a decorator such as @torch.no_grad()
    idle = {
        "RESUME",
        "NOP",
        "RETURN_CONST",
        "RETURN_VALUE",
        "COPY_FREE_VARS",
        "MAKE_CELL",
        "LOAD_CONST",
    }
    steps = list(dis.get_instructions(function))
    return all(s.opname in idle for s in steps) and not any(
        s.opname in ("RETURN_CONST", "LOAD_CONST") and s.argval is not None for s in steps
    )


def _same(a, b):
    """Whether two functions are the same as written."""
    if not (inspect.isfunction(a) and inspect.isfunction(b)):
        return False
    a, b = inspect.unwrap(a), inspect.unwrap(b)
    return _same_code(a.__code__, b.__code__) and a.__defaults__ == b.__defaults__


def _same_code(a, b):
    return len(a.co_consts) == len(b.co_consts) and _instructions(a) == _instructions(b)


def _instructions(code):
    """What the code does, without what depends on the file around it (Python 3.11 calls imported modules differently)."""
    steps = []
    for step in dis.get_instructions(code):
        if step.opname in ("PUSH_NULL", "PRECALL", "CACHE", "RESUME", "NOP"):
            continue
        value = step.argval
        if "JUMP" in step.opname or step.opname in ("FOR_ITER", "SEND"):
            value = None  # an address
        elif inspect.iscode(value):
            value = _instructions(value)
        steps.append((step.opname.replace("LOAD_METHOD", "LOAD_ATTR"), repr(value)))
    return steps
