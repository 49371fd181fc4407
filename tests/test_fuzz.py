"""All exercises, answered in odd ways: a right answer is right in any form, any other gets a sentence."""

import collections
import copy
import functools
import inspect
from fractions import Fraction

import numpy as np
import pytest
import torch
from exercise_cells import EXERCISES, verdict
from odd import ODD, WORLD
from torch import nn

from helpers.exercises.engine.words import MESSAGES

FUNCTIONS = {name: e for name, (_, e) in EXERCISES.items() if inspect.isfunction(e.solution)}
CLASSES = {name: e for name, (_, e) in EXERCISES.items() if inspect.isclass(e.solution)}
VALUES = {name: e for name, (_, e) in EXERCISES.items() if not callable(e.solution)}
QUICK = {name: e for name, e in FUNCTIONS.items() if not e.busy}  # the others train for seconds


def parameters(exercise):
    return inspect.signature(exercise.solution).parameters.values()


# Right answers in other forms


class Called:
    def __init__(self, function):
        self.function = function

    def __call__(self, *arguments, **named):
        return self.function(*arguments, **named)


class CalledModule(Called, nn.Module):
    def __init__(self, function):
        nn.Module.__init__(self)
        self.function = function


def renamed(function):
    """The same function, its arguments without a default under names that nobody knows."""
    taken = inspect.signature(function).parameters.values()
    names = [f"_{p.name}" if p.default is p.empty else p.name for p in taken]
    defaults = {p.name: p.default for p in taken if p.default is not p.empty}
    told = ", ".join(f"{name}=_defaults[{name!r}]" if name in defaults else name for name in names)
    made = f"lambda {told}: _function({', '.join(names)})"
    return eval(made, {"_function": function, "_defaults": defaults})


def decorated(function):
    @functools.wraps(function)
    def inner(*arguments, **named):
        return function(*arguments, **named)

    return inner


FORMS = {
    "partial": functools.partial,
    "decorated": decorated,
    "a module": CalledModule,
    "other argument names": renamed,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", QUICK)
def test_a_right_function_is_right_in_any_form(name, form):
    state, text = verdict(QUICK[name], FORMS[form](QUICK[name].solution))
    assert state == "solved", text


def floats(value):
    return isinstance(value, torch.Tensor) and value.is_floating_point()


def turned_twice(value):
    array = value.detach().numpy()
    return np.flip(np.flip(array, 0).copy(), 0) if array.ndim else array


# What becomes of the tensors and the numbers that a function returns
RESULTS = {
    "NumPy": lambda v: v.detach().numpy() if isinstance(v, torch.Tensor) else np.float64(v),
    "negative strides": lambda v: turned_twice(v) if isinstance(v, torch.Tensor) else v,
    "float64": lambda v: v.double() if floats(v) else v,
    "every other number of a larger tensor": lambda v: (
        torch.stack([v, v], dim=-1)[..., 0] if isinstance(v, torch.Tensor) else v
    ),
    "a graph behind it": lambda v: v.detach().clone().requires_grad_() * 1 if floats(v) else v,
    "tensors for numbers": lambda v: v if isinstance(v, torch.Tensor) else torch.tensor(v),
    "fractions": lambda v: Fraction(v) if isinstance(v, float) and np.isfinite(v) else v,
}
# The answer hands on what it got, or what it makes is used again as a tensor.
MUST_BE_TENSORS = {}


def converted(value, convert):
    if type(value) in (tuple, list):
        return type(value)(converted(v, convert) for v in value)
    return convert(value) if isinstance(value, (torch.Tensor, float)) else value


@pytest.mark.parametrize("form", RESULTS)
@pytest.mark.parametrize("name", QUICK)
def test_a_right_result_is_right_whatever_holds_it(name, form):
    if form in MUST_BE_TENSORS.get(name, ()):
        return
    solution = QUICK[name].solution
    state, text = verdict(QUICK[name], lambda *args, **named: converted(solution(*args, **named), RESULTS[form]))
    assert state == "solved", text


@pytest.mark.parametrize("name", QUICK)
def test_a_list_is_as_good_as_a_tuple(name):
    solution = QUICK[name].solution

    def answer(*arguments, **named):
        result = solution(*arguments, **named)
        return list(result) if type(result) is tuple else result

    state, text = verdict(QUICK[name], answer)
    assert state == "solved", text


@pytest.mark.parametrize("name", CLASSES)
def test_a_right_class_may_have_more_than_is_asked_for(name):
    class Larger(CLASSES[name].solution):
        limit = 3

        def close(self):
            pass

        def __repr__(self):
            return "mine"

    Larger.__name__ = Larger.__qualname__ = CLASSES[name].solution.__name__
    state, text = verdict(CLASSES[name], Larger)
    assert state == "solved", text


@pytest.mark.parametrize("name", VALUES)
def test_a_right_number_is_right_whatever_holds_it(name):
    exercise = VALUES[name]
    if type(exercise.solution) not in (int, float):
        return
    value = exercise.solution
    for answer in (torch.tensor(value), np.float64(value), np.longdouble(value), Fraction(value), [value], value + 0j):
        state, text = verdict(exercise, answer)
        assert state == "solved", f"{answer!r}: {text}"
    for answer in (value + 5j, str(value), (value, 5), [value, value], value is None):
        state, text = verdict(exercise, answer)
        assert state == "attempted", f"{answer!r}: {text}"


# Wrong answers


@pytest.mark.parametrize("name", QUICK)
def test_one_result_for_all_arguments_is_wrong(name):
    """As somebody answers who has looked at the example in the prompt only, or at any other."""
    solution, results = QUICK[name].solution, []
    if not parameters(QUICK[name]):
        return

    def recorded(*arguments, **named):
        results.append(solution(*arguments, **named))
        return copy.deepcopy(results[-1])

    assert verdict(QUICK[name], recorded)[0] == "solved"
    for result in results[:6]:
        state, text = verdict(QUICK[name], lambda *_, result=result, **__: copy.deepcopy(result))
        assert state == "attempted", text


@pytest.mark.parametrize("name", CLASSES)
def test_the_first_results_of_a_class_for_ever_are_wrong(name):
    """Each method works once, and then says the same again."""
    solution, first = CLASSES[name].solution, {}

    def once(method, function):
        def inner(self, *arguments, **named):
            if method not in first:
                first[method] = function(self, *arguments, **named)
            return first[method]

        return inner

    methods = {m: f for m, f in vars(solution).items() if inspect.isfunction(f) and m != "__init__"}
    answer = type(solution.__name__, (solution,), {m: once(m, f) for m, f in methods.items()})
    state, text = verdict(CLASSES[name], answer)
    assert state == "attempted", text


def spoil(value):
    """Change whatever can be changed in an argument; returns whether there was something."""
    if isinstance(value, (list, tuple)):
        return any([spoil(v) for v in value])
    if isinstance(value, torch.Tensor) and value.numel():
        with torch.no_grad():
            value.copy_(~value if value.dtype == torch.bool else value + 1)
        return True
    return False


@pytest.mark.parametrize("name", QUICK)
def test_a_right_answer_that_spoils_its_arguments_is_told_so(name):
    exercise = QUICK[name]
    names, spoilt = [p.name for p in parameters(exercise)], []

    def answer(*arguments, **named):
        result = copy.deepcopy(exercise.solution(*arguments, **named))
        others = [a for n, a in zip(names, arguments, strict=False) if n not in exercise.in_place]
        spoilt.append(any([spoil(a) for a in others]))
        return result

    state, text = verdict(exercise, answer)
    assert state == ("attempted" if any(spoilt) else "solved"), text
    known = [MESSAGES["changed"], *(mistake.message for mistake in exercise.mistakes)]
    assert not any(spoilt) or any(text.says(message.words) for message in known), text


CONSTANTS = [1, float("nan"), "text", torch.zeros(2, 3), (1.0, 2.0), None]
FEW = ("hostile", "holds itself", "nested", "a meta tensor", "a generator", "a class")  # all: tests/test_engine.py


@pytest.mark.parametrize("name", EXERCISES)
def test_an_odd_answer_gets_a_sentence(name):
    exercise = EXERCISES[name][1]
    for answer in [*(ODD[kind] for kind in FEW), *CONSTANTS, Called, Called(lambda: 1), collections.defaultdict(int)]:
        if exercise.kind == "predict" and type(answer) in (type(exercise.solution), int, float, bool):
            continue  # it may happen to be right
        assert_told(exercise, answer)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_odd_result_gets_a_sentence(name):
    for result in [*(ODD[kind] for kind in FEW), *CONSTANTS]:
        assert_told(FUNCTIONS[name], lambda *_, result=result, **__: result)
    for error in (SystemExit, StopIteration, RuntimeError("boom\nand more"), KeyError("x")):
        text = assert_told(FUNCTIONS[name], functools.partial(throw, error))
        kind = error if isinstance(error, type) else type(error)
        assert f"stopped with {kind.__name__}" in text, text


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_with_odd_methods_gets_a_sentence(name):
    solution = CLASSES[name].solution
    methods = [m for m, f in vars(solution).items() if inspect.isfunction(f)]
    for method in methods:
        for result in [ODD[kind] for kind in FEW] + CONSTANTS[:-1]:
            answer = type(solution.__name__, (solution,), {method: lambda *_, result=result, **__: result})
            assert_told(CLASSES[name], answer)
        for error in (SystemExit, StopIteration, KeyError("x")):
            answer = type(solution.__name__, (solution,), {method: functools.partialmethod(throw, error)})
            assert_told(CLASSES[name], answer)
    assert_told(CLASSES[name], type("Empty", (), {}))


def throw(error, *_, **__):
    raise error


def assert_told(exercise, answer):
    state, text = verdict(exercise, answer)
    text = str(text)
    assert state in ("attempted", "open"), text
    assert len(text) < 1200 and " at 0x" not in text, text
    return text


# The world around


@pytest.mark.parametrize("name", QUICK)
def test_a_check_leaves_the_world_as_it_was(name):
    def wild(*arguments, **named):
        torch.rand(5), np.random.rand(), torch.manual_seed(3), np.random.seed(3)
        return QUICK[name].solution(*arguments, **named)

    before = [str(state()) for state in WORLD]
    verdict(QUICK[name], wild)
    verdict(QUICK[name], QUICK[name].mistakes[0].answer)
    assert [str(state()) for state in WORLD] == before
