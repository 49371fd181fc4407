"""The engine of the exercises, on small ones that know each kind of mistake; every answer gets a sentence."""

import contextlib
import functools
import io
import random
import sys
import threading
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from exercise_cells import run_as_a_cell
from odd import ODD, WORLD, NoRepr
from torch import nn
from torch.overrides import _get_current_function_mode_stack

from helpers.exercises.engine import Notebook, Passed, compare, numbers, words
from helpers.exercises.engine.examine import examine as verdict
from helpers.exercises.engine.untouched import untouched

Text = words.Text
toys = Notebook("toys")
TOY = toys.write("double", why="Twice is more.")


@TOY.right
def double(x):
    """Twice x, a tensor of any shape."""
    return 2 * x


TOY.hint("Think.", "Multiply.")
TOY.case(torch.tensor([1.0, 2.5]))
TOY.case(torch.tensor([[1.0], [-2.0]]))
TOY.mistake("You squared.", lambda x: x**2)
TOY.mistake("You took the inner product.", lambda x: x @ x)
TOY.mistake("A tensor has no such attribute.", lambda x: x.missing)
TOY.mistake("You divided by nothing.", lambda x: x / 0)
TOY.also_right(lambda x: x + x)

VALUE = toys.predict("value", 12.0, why="A dozen.")
VALUE.mistake("Half.", 6.0)
SHAPE = toys.predict("shape", (3, 40), why=".")
SHAPE.mistake("Turned.", (40, 3))

COUNTER = toys.write("Counter", why="It counts.")


@COUNTER.right
class Counter:
    def __init__(self, start):
        self.value = start

    def add(self, step):
        self.value += step
        return self.value


@COUNTER.probe
def _(answer):
    counter = answer(1)
    yield Text("after one step"), counter.add(2)
    yield Text("the sum of two"), len(str(counter.add(3))) + counter.add(0)


def said(exercise, answer):
    state, text = verdict(exercise, answer)
    return state, str(text)


# Answers and what is said


class LooksRight:
    def __repr__(self):
        return "[2, 5]"


def stop(*_):
    raise RuntimeError("boom")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda x: x**2, "You squared."),
        (lambda x: 3 * x, "double([1, 2.5]): expected [2, 5], got [3, 7.5]."),
        (lambda x: (2 * x).tolist(), "Python list"),
        (lambda x: (2 * x,), "a tuple with one tensor"),
        (lambda x: tuple((2 * x).tolist()), "a Python tuple"),
        (lambda x: [2 * x, 2 * x], "torch.stack"),
        (lambda x: ..., "the ... of the stub"),
        (lambda x: x.sum, "the function sum itself, not called"),
        (lambda x: LooksRight(), "gives something of the type LooksRight, where [2, 5] is expected"),
        (lambda x: type("a" * 1000, (), {})(), "aaa"),
        (lambda x: (2 * x).sum(), "shape () (a single number), it should be (2,)"),
        (lambda x: (2 * x).unsqueeze(0), "shape (1, 2), it should be (2,)"),
        (lambda x: print(end=""), "Is there a return with a value?"),
        (lambda x: (2 * x).to("meta"), "holds no numbers"),
        (stop, "stopped with RuntimeError: boom."),
        (lambda: 1, "stopped with TypeError"),
        (lambda x: 2 * x + 3e-4, "expected [2, 5], got [2.0003, 5.0003]"),
        (lambda x: 2 * x + 1j, "has an imaginary part"),
        (5.0, "Expected a function, got 5."),
        (None, "is None"),
    ],
)
def test_wrong_answers_get_the_reason(answer, message):
    state, text = said(TOY, answer)
    assert state == "attempted" and message in text, text


@pytest.mark.parametrize(
    ("answer", "happened", "cause"),
    [
        (lambda x: x.missing, "stopped with AttributeError", "One cause: A tensor has no such attribute."),
        (lambda x: 2 * x / 0, "NaN or infinity", "One cause: You divided by nothing."),
    ],
)
def test_an_error_or_nan_has_one_cause_among_others(answer, happened, cause):
    state, text = said(TOY, answer)
    assert state == "attempted" and happened in text and cause in text, text


def test_a_large_tensor_is_told_by_the_entry_that_differs():
    large = toys.write("large", why=".")
    large.right(lambda x: x)
    large.case(torch.zeros(10, 10))

    def wrong(x):
        x = x.clone()
        x[3, 4] = 1
        return x

    assert "entry (3, 4): expected 0, got 1." in said(large, wrong)[1]


def test_numbers_that_look_equal_get_the_digits_that_differ():
    fine = toys.write("fine", why=".", rtol=0, atol=1e-7)
    fine.right(lambda x: x / 3)
    fine.case(torch.tensor([1.0, 2.0], dtype=torch.float64))
    assert "expected [0.33333, 0.66667], got [0.33334, 0.66667]." in said(fine, lambda x: x / 3 + 2e-6)[1]


def test_whole_numbers_and_class_ids_are_named():
    halves = toys.write("half", why=".")
    halves.right(lambda x: x / 2)
    halves.case(torch.tensor([1, 3]))
    assert "whole numbers (torch.int64)" in said(halves, lambda x: x // 2)[1]
    ids = toys.write("ids", why=".")
    ids.right(lambda x: x.argmax(dim=1))
    ids.case(torch.eye(3))
    assert ".long()" in said(ids, lambda x: x.argmax(dim=1).float())[1]
    assert said(ids, lambda x: x.argmax(dim=1).int())[0] == "solved"


class Doubler(nn.Module):
    def forward(self, x):
        return 2 * x


class Double:
    def __call__(self, x):
        return 2 * x


RIGHT = {
    "itself": double,
    "a sum": lambda x: x + x,
    "NumPy": lambda x: 2 * x.numpy(),
    "NumPy, turned twice": lambda x: np.flip(np.flip(2 * x.numpy())),
    "a longdouble": lambda x: 2 * x.numpy().astype(np.longdouble),
    "float64": lambda x: 2 * x.double(),
    "bfloat16": lambda x: 2 * x.bfloat16(),
    "complex without an imaginary part": lambda x: 2 * x + 0j,
    "sparse": lambda x: (2 * x).to_sparse(),
    "a gradient attached": lambda x: 2 * x * torch.ones(1, requires_grad=True),
    "a module": Doubler(),
    "a module under a decorator": torch.no_grad()(Doubler()),
    "partial": functools.partial(torch.mul, 2),
    "a callable object": Double(),
    "wrapped": functools.wraps(torch.sum)(lambda x: 2 * x),
    "objects": lambda x: np.array([Fraction(2 * v) for v in x.flatten().tolist()], dtype=object).reshape(x.shape),
}


@pytest.mark.parametrize("form", RIGHT)
def test_right_answers_in_other_forms(form):
    assert said(TOY, RIGHT[form])[0] == "solved", said(TOY, RIGHT[form])


@pytest.mark.parametrize(
    "answer",
    [
        *(12, 12.0, np.float32(12), np.longdouble(12), torch.tensor(12), Fraction(24, 2), Decimal("12.0"), 12 + 0j),
        *(torch.tensor([12.0]), [12.0], (12,), np.array([12])),
    ],
)
def test_a_number_is_one_real_number_whatever_holds_it(answer):
    assert said(VALUE, answer)[0] == "solved"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (6, "not yet. Half."),
        (12 + 5j, "but a number is asked for"),
        (True, "Your answer is True, but a number is asked for."),
        ("12", "Your answer is '12', but a number is asked for."),
        ((12, 5), "If it is a decimal comma, write a point."),
        ((1.5, 2), "but a number is asked for."),
        ([1.0, 2.0, 3.0], "but a number is asked for"),
        (12.002, "It is not 12.002."),
        (12.00150001, "It is not 12.0015."),
        (-0.0, "It is not 0."),
        pytest.param(10**5000, "something of the type int", id="a long number"),
        (float("nan"), "It is not nan."),
        (double, "Expected a value, got a function."),
    ],
)
def test_wrong_predictions(answer, message):
    state, text = said(VALUE, answer)
    assert state == "attempted" and message in text, text


@pytest.mark.parametrize("answer", [(3, 4), 12, (3,), "text", torch.ones(3, 4), [3.0, 4.0], [3, 40, 1]])
def test_a_wrong_prediction_does_not_give_the_number_away(answer):
    state, text = said(SHAPE, answer)
    assert state == "attempted" and "3, 40)" not in text and "(3, 40" not in text, text


@pytest.mark.parametrize("answer", [np.array([3, 40]), torch.tensor([3, 40]), [3, 40], torch.Size([3, 40])])
def test_a_tuple_may_be_a_list_or_a_tensor(answer):
    assert said(SHAPE, answer)[0] == "solved"


# Answers that break things


@pytest.mark.parametrize("exercise", [TOY, VALUE, SHAPE, COUNTER], ids=lambda e: e.name)
@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("returned", [False, True])
def test_odd_answers_get_a_sentence(exercise, kind, returned):
    answer = (lambda *_: ODD[kind]) if returned else ODD[kind]
    state, text = said(exercise, answer)
    assert state == "attempted", text
    assert len(text) < 600 and " at 0x" not in text


@pytest.mark.parametrize("error", [SystemExit, StopIteration, GeneratorExit, RecursionError, MemoryError, NoRepr])
def test_whatever_is_raised_is_told(error):
    def answer(x):
        raise error if error is not NoRepr else type("Odd", (Exception,), {"__str__": NoRepr.__repr__})

    class Raises(Counter):
        def add(self, step):
            answer(step)

    for exercise, wrong in ((TOY, answer), (COUNTER, Raises)):
        state, text = said(exercise, wrong)
        name = "Odd" if error is NoRepr else error.__name__
        assert state == "attempted" and f"stopped with {name}" in text, text


class ExitsWhenRead(float):
    def __float__(self):
        raise SystemExit

    __repr__ = __array__ = __float__


def test_a_value_that_ends_the_program_is_told():
    assert said(VALUE, ExitsWhenRead(1))[0] == said(TOY, lambda x: ExitsWhenRead(1))[0] == "attempted"


def test_a_check_within_a_check_ends():
    inner = []

    def answer(x):
        inner.append(said(TOY, answer))
        return 2 * x

    assert said(TOY, answer)[0] == "solved"
    assert inner == 2 * [("attempted", "not yet. Your code calls check itself. Call it outside.")]


def test_half_a_letter_is_printed(capsys):
    words.say("double", Text("stopped with {error}", error="ValueError: \ud800"))
    assert "ValueError: ?" in capsys.readouterr().out


def test_an_interrupt_goes_through():
    def answer(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verdict(TOY, answer)


def test_a_wrong_type_is_not_blamed_on_what_runs():
    class Answer(Counter):
        def add(self, step):
            return None

    state, text = said(COUNTER, Answer)
    assert state == "attempted" and "gives None" in text


def test_an_error_in_a_function_that_the_answer_made_is_its_own(monkeypatch):
    module = sys.modules["helpers.exercises.engine.guard"]
    # what stands in this file is no reader's
    monkeypatch.setattr(module, "NOT_THE_READERS", (*module.NOT_THE_READERS, str(Path(__file__).parent)))
    maker = toys.write("maker", why=".")
    maker.right(lambda: double)
    maker.probe(lambda answer: iter([(Text("of one"), answer()(1))]))

    def answer():
        def inner(x):
            return x.missing

        return inner

    assert "Your code stopped with AttributeError" in said(maker, answer)[1]
    assert "The check cannot go on with what your code gives: TypeError" in said(maker, lambda: 3)[1]


def test_a_fault_of_the_check_is_not_blamed_on_the_reader():
    broken = toys.write("broken", why=".")
    broken.right(double)
    broken.probe(lambda answer: iter([(Text("x"), len(None))]))
    state, text = said(broken, double)
    assert state == "unjudged" and "the check itself stopped with TypeError" in text


def test_what_the_code_does_to_the_world_is_undone():
    def wild(x):
        torch.rand(5), np.random.rand(), random.random()
        torch.manual_seed(3), np.random.seed(3), random.seed(3)
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        return 2 * x

    before = [str(state()) for state in WORLD]
    assert said(TOY, wild)[0] == "solved"
    assert [str(state()) for state in WORLD] == before
    with torch.no_grad():
        assert said(TOY, double)[0] == "solved" and not torch.is_grad_enabled()


@pytest.mark.parametrize(
    "world",
    [
        lambda: torch.autocast("cpu", dtype=torch.bfloat16),
        torch.inference_mode,
        torch.no_grad,
        lambda: torch.device("meta"),
    ],
)
def test_a_check_makes_a_world_of_its_own(world):
    exercise = toys.write("own world", why=".")
    exercise.right(lambda x: torch.ones(2, 2) @ x)
    exercise.case(torch.rand(2, 2, generator=torch.Generator().manual_seed(0)))
    with world():
        here = torch.get_default_device()
        assert said(exercise, lambda x: torch.ones(2, 2) @ x)[0] == "solved"
        assert torch.get_default_device() == here
        learned = torch.zeros(1, device="cpu", requires_grad=True)
    assert said(exercise, lambda x: torch.ones(2, 2) @ x)[0] == "solved"
    assert said(exercise, lambda x: x + learned)[0] == "attempted"
    assert torch.empty(1).device.type == "cpu" and not _get_current_function_mode_stack()


@pytest.mark.parametrize("before", [None, "meta"])
@pytest.mark.parametrize("default", [None, "cpu", "meta"])
def test_a_default_that_the_answer_leaves_behind_is_undone(before, default):
    def wild(x):
        torch.set_default_device(default)
        torch.inference_mode().__enter__()
        return 2 * x

    try:
        torch.set_default_device(before)
        said(TOY, wild)
        assert torch.empty(1).device.type == (before or "cpu") and not torch.is_inference_mode_enabled()
        # a device by default is a mode, through which each call goes from then on
        assert len(_get_current_function_mode_stack()) == (before is not None)
        assert said(TOY, double)[0] == "solved"
    finally:
        torch.set_default_device(None)
    assert torch.empty(1).device.type == "cpu" and not _get_current_function_mode_stack()


def changes(x):
    result = 2 * x
    x += 1
    return result


def test_a_changed_argument_is_told():
    state, text = said(TOY, changes)
    assert state == "attempted" and "double([1, 2.5]) changes its argument x" in text
    assert TOY.cases[0][0].tolist() == [1.0, 2.5]


def test_a_list_of_plain_numbers_may_not_change_either():
    exercise = toys.write("plain", why=".")
    exercise.right(lambda numbers: max(numbers))
    exercise.case([1, 3, 2.5])
    assert "changes its argument numbers" in said(exercise, lambda n: n.sort() or n[-1])[1]
    assert said(exercise, lambda n: sorted(n)[-1])[0] == "solved"


def test_what_one_answer_does_to_the_arguments_is_not_held_against_the_next():
    rows = [torch.ones(2), torch.zeros(3)]
    exercise = toys.write("rows", why=".")
    exercise.right(lambda rows, x: len(rows) + x.shape[0])
    exercise.case(rows, x := torch.ones(2, 1))
    exercise.probe(lambda answer: iter([(Text("the sum"), answer(rows, x))]))
    for spoil in (lambda rows, x: rows.clear(), lambda rows, x: rows.reverse(), lambda rows, x: x.squeeze_(1)):
        assert "changes its argument" in said(exercise, lambda rows, x, spoil=spoil: (spoil(rows, x), 4)[1])[1]
        assert said(exercise, lambda rows, x: 4)[0] == "solved"


def test_what_may_change_is_compared_afterwards():
    grow = toys.write("grow", why=".", in_place=("x",))

    @grow.right
    def _(x):
        x += 1

    grow.case(torch.zeros(2))
    assert said(grow, lambda x: x.add_(1) and None)[0] == "attempted"  # what it returns counts, too
    assert "afterwards x: expected [1, 1], got [0, 0]" in said(grow, lambda x: None)[1]


def test_a_screenful_at_most_is_printed(capsys):
    def chatty(x):
        for i in range(10_000):
            print("step", i)
        return 2 * x

    assert said(TOY, chatty)[0] == "solved"
    printed = capsys.readouterr().out
    assert printed.startswith("step 0\nstep 1\n") and len(printed) < 5000 and "left out" in printed


def test_a_check_that_runs_long_says_so(monkeypatch, capsys):
    waiting = threading.Event()

    class AtOnce:
        def __init__(self, _, function, arguments):
            self.start = lambda: (function(*arguments), waiting.set())

        def cancel(self):
            pass

    monkeypatch.setattr(threading, "Timer", AtOnce)
    verdict(TOY, double)
    assert waiting.is_set() and capsys.readouterr().out == "double: still running your code ...\n"


def test_a_long_check_says_so_of_an_answer_only(capsys):
    long = toys.write("long", why=".", busy="training ...")
    long.right(double)
    long.case(torch.ones(1))
    verdict(long, ...)
    assert capsys.readouterr().out == ""
    verdict(long, double)
    assert capsys.readouterr().out == "long: training ...\n"


def test_a_judge_reports():
    design = toys.design("d", why="Good.")
    reached, short = design.text("It reached {n}."), design.text("Only {n}.")
    design.solution = 3
    design.judge(lambda answer: Passed(reached(n=answer)) if answer == 3 else short(n=answer))
    assert said(design, 3) == ("solved", "right. It reached 3. Good.")
    assert said(design, 2) == ("attempted", "not yet. Only 2.")


# Untouched


STUBS = {
    "a function": (TOY, "def f(x): ..."),
    "with a docstring": (TOY, 'def f(x):\n    """Twice."""'),
    "with both": (TOY, 'def f(x):\n    """Twice."""\n    ...'),
    "with a comment": (TOY, "def f(x):\n    # later\n    ..."),
    "pass": (TOY, "def f(x): pass"),
    "decorated": (TOY, "import torch\n@torch.no_grad()\ndef f(x): ..."),
    "a value": (VALUE, "f = ..."),
    "a tuple": (SHAPE, "f = ..., ..."),
    "a class": (COUNTER, "class f:\n    def __init__(self, start): ...\n    def add(self, step): ..."),
    "half a class": (
        COUNTER,
        "class f:\n    def __init__(self, start): self.value = start\n    def add(self, step): ...",
    ),
}
TOUCHED = {
    "prints": (TOY, "def f(x):\n    print(x)\n    ..."),
    "returns nothing": (TOY, "def f(x): return None"),
    "a lambda": (TOY, "f = lambda x: ..."),
    "a single dispatch": (TOY, "import functools\n@functools.singledispatch\ndef f(x): ..."),
    "a lambda among others": (TOY, "g, f = (lambda x: 1), (lambda x: 2)"),
    "a module": (TOY, "from torch import nn\nf = nn.Identity()"),
    "a class with an empty method of its own": (
        COUNTER,
        "class f:\n    def __init__(self, start): self.value = start\n    def close(self): pass\n"
        "    def add(self, step):\n        self.value += step\n        return self.value",
    ),
}


@pytest.mark.parametrize("kind", [*STUBS, *TOUCHED])
def test_untouched_is_what_nobody_has_written_in(kind):
    exercise, source = (STUBS | TOUCHED)[kind]
    run_as_a_cell(source, namespace := {"__name__": "__main__"})
    assert untouched(namespace["f"], exercise) == (kind in STUBS)


@pytest.mark.parametrize(
    ("source", "same"),
    [
        ('def f(x):\n    """Twice."""\n    return x.to("cpu")  # here', True),
        ("def f(x): return x.to('cpu')", True),
        ('def f(x): return x.to("meta")', False),
        ('def f(x: "Tensor") -> "Tensor": return x.to("cpu")', True),
        ("def f(x): ...", True),
        ("f = ...", True),
        ('def f(x, y=1): return x.to("cpu")', False),
        ('import torch\n@torch.no_grad()\ndef f(x): return x.to("cpu")', False),
    ],
)
def test_a_repair_is_untouched_while_it_is_written_alike(source, same):
    exercise = toys.repair("r", why=".")

    @exercise.broken
    def broken(x):
        """It is broken."""
        return x.to("cpu")

    exercise.right(double)
    run_as_a_cell(source, namespace := {"__name__": "__main__"})
    assert untouched(namespace["f"], exercise) == same


# An exercise as it is told


def test_edited_shows_a_mistake_as_what_differs():
    assert TOY.edited("2 * x", "3 * x")(1) == 3
    assert TOY.edited("2", "3", "x, a", "x, an")(1) == 3
    for old in ("missing", "x"):
        with pytest.raises(ValueError, match="times in the solution"):
            TOY.edited(old, "")


def test_a_decorated_mistake_has_its_message_in_the_docstring():
    exercise = toys.write("m", why=".")

    @exercise.mistake
    def _(x):
        """Wrong in
        two lines."""

    assert exercise.mistakes[0].message.words == "Wrong in two lines."
    assert exercise.texts[-1].words == "Wrong in two lines."


# Words


def test_a_catalogue_reaches_what_stands_in_the_holes(monkeypatch):
    monkeypatch.setattr(words, "catalogue", {"{what} is None.": "<{what}>", "Your answer": "Antwort"})
    text = words.MESSAGES["is None"](what=words.MESSAGES["your answer"])
    assert str(text) == "<Antwort>" and text.says("Your answer") and not text.says("Your code")


def test_lines_are_wrapped_by_columns():
    korean = "그래디언트를 먼저 계산하고 " * 20
    lines = words.filled(korean).splitlines()
    assert max(map(len, lines)) <= 75 and len(lines) > 4  # twelve letters and three blanks take 27 columns
    assert " ".join(lines) == korean.strip()
    english = "step by step " * 20
    assert 90 < max(map(len, words.filled(english).splitlines())) <= 100


def test_numbers_share_no_memory_with_the_answer():
    for value in (torch.zeros(3, dtype=torch.float64), np.zeros(3)):
        numbers("", value).add_(1)
        assert not value.any()


SHOWN = [
    (np.array([3, 40]), "[3, 40]"),
    (torch.tensor([[1.5, -0.0]]), "[[1.5, 0]]"),
    (torch.zeros(24), str([0] * 24)),
    (torch.zeros(5, 5), "a tensor of shape (5, 5)"),
    (torch.zeros(2, device="meta"), "a tensor without numbers"),
    ([np.array(["a"]), 1], "[something of the type ndarray, 1]"),
    (np.float32(0.1), "0.1"),
    (100.0, "100"),
    (0.001, "0.001"),
    (0.0009999, "9.999e-04"),
    (999999.0, "999999"),
    (1e6, "1.000e+06"),
    (1.00004, "1"),
    ((1,), "(1,)"),
    ((True, None), "(True, None)"),
    ([0] * 201, "something of the type list with 201 entries"),
    (Fraction(1, 3), "1/3"),
    (Decimal("0.10"), "0.10"),
    (1 + 2j, "(1+2j)"),
    (len, "len"),
    (object(), "something of the type object"),
]


@pytest.mark.parametrize(("value", "shown"), SHOWN, ids=[shown for _, shown in SHOWN])
def test_a_value_is_shown_as_short_as_it_can_be_read(value, shown):
    assert str(compare.show(value)) == shown


def test_two_values_are_shown_with_the_decimals_in_which_they_differ():
    assert compare.show_both(1.0, 1.00004) == ("1", "1.00004")
    assert compare.show_both(2.0, 2.0) == ("2", "2")


def test_compare_tells_nothing_where_nothing_differs():
    for value in (None, True, "text", 1, 2.5, (1, "a", [True]), torch.eye(2), np.eye(2), torch.float32):
        compare.compare("", value, value, rtol=0, atol=0)


def test_nothing_is_printed_while_mistakes_are_tried(capsys):
    loud = toys.write("loud", why=".")
    loud.right(double)
    loud.case(torch.ones(1))
    loud.mistake("You printed.", lambda x: print("mistake") or 5 * x)
    with contextlib.redirect_stderr(io.StringIO()) as errors:
        assert said(loud, lambda x: 7 * x)[0] == "attempted"
    assert capsys.readouterr().out == errors.getvalue() == ""
