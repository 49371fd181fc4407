"""Exercises that answer at once: `check` an answer, ask for a `hint`, read the `solution`, see your `progress`.

One module per notebook holds its exercises; `core` compares answers, `store` remembers what is solved.
"""

import difflib
import importlib
import inspect
import os
import textwrap

from helpers.exercises import store
from helpers.exercises.core import examine

__all__ = ["check", "hint", "progress", "solution"]

NOTEBOOKS = {
    "00": "tensors",
    "01": "autograd",
    "02": "gradient_descent",
    "03": "multivariate_regression",
    "04": "logistic_regression",
    "05": "softmax_regression",
    "06": "multilayer_perceptron",
    "07": "backpropagation",
    "08": "data_loader",
    "09": "optimizers",
    "10": "mnist_dnn",
}

_hints_given = {}


def check(name, answer):
    """Compare `answer` with what the exercise `name` asks for, and print what came out. Never raises for a wrong answer.

    answer: what the exercise's cell defines: a function, a class or a value. An untouched stub is "not attempted yet".
    Raises ValueError where there is no exercise of that name.
    """
    exercise = find(name)
    state, text = examine(exercise, answer)
    _say(f"{name}: {text}")
    if state != "open":
        trouble = store.record(name, solved=state == "solved", hints=_hints_given.get(name, 0))
        if trouble:
            _say(f"({trouble})")


def hint(name):
    """Print the next hint for the exercise `name`: the first is a nudge, the last nearly a recipe."""
    hints = find(name).hints
    given = _hints_given[name] = min(_hints_given.get(name, 0) + 1, len(hints))
    more = (
        f'hint("{name}") again for the next.'
        if given < len(hints)
        else f'solution("{name}") shows one way.'
    )
    _say(f"{name}, hint {given} of {len(hints)}: {hints[given - 1]} ({more})")


def solution(name):
    """Print one right answer to the exercise `name`: ordinary code, the same that the tests run."""
    exercise = find(name)
    if os.environ.get("COURSE_SOLUTIONS") == "off":
        _say(f'{name}: the solutions are switched off here. hint("{name}") still helps.')
    else:
        print(source(exercise))


def source(exercise):
    """The solution of an exercise as code that can stand in its cell in place of the stub."""
    answer = exercise.solution
    if inspect.isfunction(answer) or inspect.isclass(answer):
        return textwrap.dedent(inspect.getsource(answer)).rstrip()
    working = f"  # {exercise.working}" if exercise.working else ""
    return f"{exercise.name} = {answer!r}{working}"


def progress(*, as_dict=False):
    """Print the map of all exercises: [x] solved, [-] attempted, [ ] open.

    as_dict: return it instead, as {notebook: {exercise: {"state", "attempts", "hints"}}}, for instance to collect it.
    """
    seen = store.load()
    new = {"state": "open", "attempts": 0, "hints": 0}
    overview = {
        number: {exercise.name: seen.get(exercise.name, new) for exercise in exercises(number)}
        for number in NOTEBOOKS
    }
    if as_dict:
        return overview
    states = [entry["state"] for entries in overview.values() for entry in entries.values()]
    print(f"{states.count('solved')} of {len(states)} exercises solved")
    marks = {"solved": "x", "attempted": "-", "open": " "}
    for number, entries in overview.items():
        items = "  ".join(f"[{marks[entry['state']]}] {name}" for name, entry in entries.items())
        print(textwrap.fill(items, 100, initial_indent=f"{number}  ", subsequent_indent="    "))
    return None


def exercises(number):
    """The exercises of one notebook, in its order. number: "00" to "10"."""
    return importlib.import_module(f"helpers.exercises.{NOTEBOOKS[number]}").EXERCISES


def find(name):
    """The exercise of that name. Raises ValueError, with the nearest names, where there is none."""
    known = {exercise.name: exercise for number in NOTEBOOKS for exercise in exercises(number)}
    if name not in known:
        near = difflib.get_close_matches(str(name), known, n=3)
        guess = f" Did you mean {' or '.join(near)}?" if near else ""
        raise ValueError(f"there is no exercise called {name!r}.{guess}")
    return known[name]


def _say(text):
    print(textwrap.fill(text, 100, replace_whitespace=False))
