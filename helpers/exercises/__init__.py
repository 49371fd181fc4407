"""Exercises that answer at once: `check` an answer, ask for a `hint`, read the `solution`, see your `progress`.

One module per notebook holds its exercises, each whole in one place. The machine that judges them is `engine`.
"""

import difflib
import functools
import importlib
import os
import pkgutil

from helpers.exercises.engine import store
from helpers.exercises.engine.examine import examine
from helpers.exercises.engine.words import MESSAGES, filled, say

__all__ = ["check", "hint", "progress", "solution"]

_hints_given = {}


def check(name, answer):
    """Compare `answer` with what the exercise `name` asks for, and print what came out. Never raises for any answer.

    answer: what the exercise's cell defines: a function, a class or a value. An untouched stub is "not attempted yet".
    Raises ValueError where there is no exercise of that name.
    """
    exercise = find(name)
    state, text = examine(exercise, answer)
    say(name, text)
    if state in ("attempted", "solved"):
        trouble = store.record(name, solved=state == "solved", hints=_hints_given.get(name, 0))
        if trouble:
            print(filled(f"({trouble})"))


def hint(name):
    """Print the next hint for the exercise `name`: the first is a nudge, the last nearly a recipe."""
    hints = find(name).hints
    given = _hints_given[name] = min(_hints_given.get(name, 0) + 1, len(hints))
    form = MESSAGES["hint" if given < len(hints) else "last hint"]
    print(filled(str(form(name=name, given=given, all=len(hints), hint=hints[given - 1]))))


def solution(name):
    """Print one right answer to the exercise `name`: ordinary code, the same that the tests run.

    The environment variable COURSE_SOLUTIONS says whether: on (or unset) or off. Any other value hides them, too.
    """
    exercise = find(name)
    setting = solutions_setting()
    if setting == "on":
        print(exercise.source())
    elif setting == "off":
        print(filled(str(MESSAGES["no solutions"](name=name))))
    else:
        print(filled(str(MESSAGES["unknown setting"](value=setting))))


def solutions_setting():
    """What COURSE_SOLUTIONS says: "on", also where it is unset; "off"; or what is neither, which hides solutions, too."""
    return os.environ.get("COURSE_SOLUTIONS", "").strip().lower() or "on"


def progress(*, as_dict=False):
    """Print the map of all exercises: [x] solved, [-] attempted, [ ] open; those behind the recap after "deeper:".

    as_dict: return it instead, as {notebook: {exercise: {"state", "attempts", "hints", "deeper"}}}, for instance to
    collect it. Raises ValueError where COURSE_PROGRESS is no setting.
    """
    seen = store.load()
    new = {"state": "open", "attempts": 0, "hints": 0}
    overview = {
        number: {e.name: seen.get(e.name, new) | {"deeper": e.deeper} for e in notebook.exercises}
        for number, notebook in notebooks().items()
    }
    if as_dict:
        return overview
    states = [entry["state"] for entries in overview.values() for entry in entries.values()]
    print(MESSAGES["solved"](solved=states.count("solved"), all=len(states)))
    for number, entries in overview.items():
        for deeper, start in ((False, f"{number}  "), (True, f"    {MESSAGES['deeper']} ")):
            items = [_mark(name, e) for name, e in entries.items() if e["deeper"] == deeper]
            if items:
                # a mark stays beside its name
                line = filled("  ".join(items), start, " " * len(start))
                print(line.replace("\N{NO-BREAK SPACE}", " "))
    return None


def _mark(name, entry):
    marks = {"solved": "[x]", "attempted": "[-]", "open": "[\N{NO-BREAK SPACE}]"}
    return f"{marks[entry['state']]}\N{NO-BREAK SPACE}{name}"


@functools.cache
def notebooks():
    """The exercises of all notebooks: {"00": Notebook, ...}, in their order."""
    names = [module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg]
    found = [importlib.import_module(f"{__name__}.{name}").notebook for name in names]
    return {notebook.number: notebook for notebook in sorted(found, key=lambda n: n.number)}


def exercises(number):
    """The exercises of one notebook, in its order. number: "00" and so on."""
    return notebooks()[number].exercises


def find(name):
    """The exercise of that name. Raises ValueError, with the nearest names, where there is none."""
    known = {exercise.name: exercise for number in notebooks() for exercise in exercises(number)}
    if str(name) not in known:
        near = difflib.get_close_matches(str(name), known, n=3)
        text = MESSAGES["did you mean" if near else "unknown name"]
        raise ValueError(str(text(name=name, near=" / ".join(near))))
    return known[str(name)]


def words():
    """Everything that check, hint, solution and progress can say: {where: [Text, ...]}, for whoever translates it.

    where: the name of an exercise; the number of a notebook, for what its exercises share; "check" for all else.
    """
    said = {"check": list(MESSAGES.values())}
    for number, notebook in notebooks().items():
        said[number] = list(notebook.texts)
        said |= {exercise.name: list(exercise.texts) for exercise in notebook.exercises}
    return said
