"""Every exercise: its solution, its known mistakes, answers that go wrong in all ways, and its cell in the notebook."""

import ast
import contextlib
import dataclasses
import io
import json
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from lessons import ROOT, read

from helpers import exercises as course
from helpers.exercises import core, store
from helpers.exercises.core import Exercise, Mistake, Passed, examine

EXERCISES = {e.name: (number, e) for number in course.NOTEBOOKS for e in course.exercises(number)}


@pytest.fixture(params=EXERCISES)
def exercise(request):
    return EXERCISES[request.param][1]


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    """Each test has a progress file of its own."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    monkeypatch.setattr(store, "_in_memory", {})
    monkeypatch.setattr(course, "_hints_given", {})
    return tmp_path / "progress.json"


def verdict(exercise, answer):
    with contextlib.redirect_stdout(io.StringIO()):  # what the answer itself prints
        return examine(exercise, answer)


def exercise_of(cell):
    """The name of the exercise in a cell with an id such as exercise-mse-gradient."""
    return cell.id.removeprefix("exercise-").replace("-", "_")


def cells_of(number, kind="code"):
    """The cells of a notebook, all that are code or all that are markdown."""
    return [cell for cell in read(number).cells if cell.cell_type == kind]


def notebook_cells(number):
    """The exercise cells of a notebook by the name of their exercise, and the source of its imports cell."""
    cells = cells_of(number)
    exercise_cells = {exercise_of(c): c for c in cells if c.id.startswith("exercise-")}
    return exercise_cells, next(c.source for c in cells if c.id == "imports")


def filled_in(exercise, source):
    """The source of an exercise cell with the solution in place of the stub."""
    check = next(
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.Expr) and ast.unparse(node).startswith("check(")
    )
    lines = source.splitlines()[check.lineno - 1 :]
    return "\n".join([course.source(exercise), "", "", *lines])


def test_there_are_enough_and_all_kinds():
    assert len(EXERCISES) == sum(len(course.exercises(number)) for number in course.NOTEBOOKS)
    assert len(EXERCISES) >= 44
    for number in course.NOTEBOOKS:
        kinds = [exercise.kind for exercise in course.exercises(number)]
        assert 3 <= len(kinds) <= 5, f"notebook {number} has {len(kinds)} exercises"
        assert {"predict", "write", "repair"} <= set(kinds), f"notebook {number}: {kinds}"
        assert set(kinds) <= {"predict", "write", "repair", "design"}
    assert sum(exercise.kind == "design" for _, exercise in EXERCISES.values()) >= 2


def test_solution_is_right(exercise):
    state, text = verdict(exercise, exercise.solution)
    assert state == "solved", text
    assert text.startswith("right.") and exercise.why in text


def test_known_mistakes_get_their_message(exercise):
    assert len(exercise.mistakes) >= 2
    for mistake in exercise.mistakes:
        state, text = verdict(exercise, mistake.answer)
        assert state == "attempted", f"accepted: {mistake.message}"
        assert mistake.message.removesuffix(".") in text


def test_other_forms_of_the_right_answer_are_accepted(exercise):
    assert exercise.also_right
    for answer in exercise.also_right:
        state, text = verdict(exercise, answer)
        assert state == "solved", text


def test_texts_are_sentences(exercise):
    assert 2 <= len(exercise.hints) <= 3
    for text in (exercise.why, *exercise.hints, *(m.message for m in exercise.mistakes)):
        assert text == text.strip() and text[-1] in ".?!", text
        assert len(text) < 400, text


def stop(*_, **__):
    raise RuntimeError("boom")


class Broken:
    __init__ = stop


class Odd:
    def __call__(self, *_, **__):
        return "odd"


HOSTILE = {
    "raises": stop,
    "gives None": lambda *_, **__: None,
    "gives NaN": lambda *_, **__: float("nan"),
    "gives a list": lambda *_, **__: [1.5, 2.5],
    "gives an integer tensor": lambda *_, **__: torch.tensor([7, 8]),
    "gives another shape": lambda *_, **__: torch.ones(7, 5),
    "gives a tensor on another device": lambda *_, **__: torch.empty(2, device="meta"),
    "gives text": lambda *_, **__: "text",
    "takes no argument": lambda: 1.0,
    "None": None,
    "NaN": float("nan"),
    "a list": [1.5, 2.5],
    "an integer tensor": torch.tensor([7, 8]),
    "a tensor on another device": torch.empty(2, device="meta"),
    "text": "text",
    "a class that cannot be made": Broken,
    "a class without its methods": Odd,
    "an object": Odd(),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_answers_that_go_wrong_are_told_so(exercise, kind):
    state, text = verdict(exercise, HOSTILE[kind])
    assert state in ("attempted", "open")
    assert "Traceback" not in text and " at 0x" not in text


@pytest.mark.parametrize("number", course.NOTEBOOKS)
def test_each_exercise_has_its_cell_and_each_stub_is_open(number):
    cells, imports = notebook_cells(number)
    assert list(cells) == [e.name for e in course.exercises(number)], (
        "the cells, in the order of the module"
    )
    namespace = {"__name__": "__main__"}
    exec(imports, namespace)
    for exercise in course.exercises(number):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(cells[exercise.name].source, namespace)
        assert "not attempted yet" in " ".join(output.getvalue().split()), output.getvalue()


def test_a_check_that_runs_long_says_so(monkeypatch, capsys):
    waiting = threading.Event()

    def at_once(_, function):
        def start():
            function()
            waiting.set()

        return type(
            "Timer",
            (),
            {"daemon": False, "start": staticmethod(start), "cancel": lambda self: None},
        )()

    monkeypatch.setattr(core.threading, "Timer", at_once)
    examine(TOY, double)
    assert waiting.is_set() and "still running" in capsys.readouterr().out


def test_a_long_check_says_so_of_an_answer_only(capsys):
    long = dataclasses.replace(TOY, busy="training ...")
    examine(long, ...)
    assert capsys.readouterr().out == ""
    examine(long, double)
    assert capsys.readouterr().out == "double: training ...\n"


# The engine, on an exercise that knows each kind of mistake


def double(x):
    """Twice x, a tensor of any shape."""
    return 2 * x


TOY = Exercise(
    name="double",
    kind="write",
    solution=double,
    why="Twice is more.",
    hints=("Think.", "Multiply."),
    cases=((torch.tensor([1.0, 2.5]),), (torch.tensor([[1.0], [-2.0]]),)),
    mistakes=(
        Mistake(lambda x: x**2, "You squared."),
        Mistake(lambda x: x @ x, "You took the inner product."),
        Mistake(lambda x: x.missing, "A tensor has no such attribute."),
    ),
    also_right=(lambda x: x + x,),
)


@pytest.mark.parametrize(
    "answer, message",
    [
        (lambda x: x**2, "You squared."),
        (lambda x: x.missing, "no such attribute"),
        (lambda x: 3 * x, "double([1, 2.5]): expected [2, 5], got [3, 7.5]."),
        (lambda x: (2 * x).tolist(), "Python list"),
        (lambda x: (2 * x).sum(), "shape () (a single number), it should be (2,)"),
        (lambda x: (2 * x).unsqueeze(0), "shape (1, 2), it should be (2,)"),
        (lambda x: 2 * x / 0, "NaN or infinity"),
        (lambda x: print(end=""), "Is there a return?"),
        (lambda x: (2 * x).to("meta"), "holds no numbers"),
        (lambda x: stop(), "stopped with RuntimeError: boom."),
        (lambda: 1, "stopped with TypeError"),
        (5.0, "expected a function"),
        (None, "is None"),
    ],
)
def test_wrong_answers_get_the_reason(answer, message):
    state, text = examine(TOY, answer)
    assert state == "attempted" and message.lower() in text.lower(), text


def test_whole_numbers_are_named():
    halves = Exercise(
        name="half", kind="write", solution=lambda x: x / 2, why=".", hints=(".", "."), mistakes=(), cases=((torch.tensor([1, 3]),),)
    )  # fmt: skip
    assert "whole numbers" in examine(halves, lambda x: x // 2)[1]


@pytest.mark.parametrize(
    "answer", [double, lambda x: x + x, lambda x: 2 * x.numpy(), lambda x: 2 * x.double()]
)
def test_right_answers_in_other_forms(answer):
    assert examine(TOY, answer)[0] == "solved"


def test_untouched_stubs_are_open():
    def stub(x):
        """Twice x."""
        ...

    class Stub:
        def __init__(self):
            self.x = 1

        def step(self): ...

    assert examine(TOY, stub)[0] == examine(TOY, ...)[0] == "open"
    assert core._untouched(Stub, None)

    def broken(x):
        return x.sum()

    repair = Exercise(
        name="r", kind="repair", solution=double, why=".", hints=(".", "."), mistakes=(), cases=TOY.cases, stub=broken
    )  # fmt: skip

    def copied(x):
        return x.sum()

    def changed(x):
        return x.mean()

    assert examine(repair, copied)[0] == "open"
    assert examine(repair, changed)[0] == "attempted"


def test_a_change_of_one_string_is_an_attempt():
    def broken(x):
        return x.to("cpu")

    def changed(x):
        return x.to("meta")

    assert not core._same(broken, changed)


def test_checks_leave_random_numbers_and_arguments_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)

    def spoils(x):
        torch.rand(5)
        x += x
        return x

    assert examine(TOY, spoils)[0] == "solved"
    assert torch.rand(1) == expected
    assert TOY.cases[0][0].tolist() == [1.0, 2.5]


def test_a_wrong_prediction_does_not_give_the_number_away():
    shape = Exercise(
        name="s", kind="predict", solution=(3, 40), why=".", hints=(".", "."), mistakes=(Mistake((40, 3), "Turned."),)
    )  # fmt: skip
    assert examine(shape, (40, 3))[1] == "not yet. Turned."
    for answer in ((3, 4), 12, (3,), "text", torch.ones(3, 4), [3.0, 4.0]):
        state, text = examine(shape, answer)
        assert state == "attempted" and "40" not in text, text


def test_judge_reports():
    design = Exercise(
        name="d", kind="design", solution=3, why="Good.", hints=(".", "."), mistakes=(),
        judge=lambda answer: Passed("reached 3.") if answer == 3 else "reached too little.",
    )  # fmt: skip
    assert examine(design, 3) == ("solved", "right. reached 3. Good.")
    assert examine(design, 2) == ("attempted", "not yet. reached too little.")


# The verbs and the progress file


def any_name():
    return next(iter(EXERCISES))


def test_hints_come_one_by_one(capsys):
    name = any_name()
    hints = EXERCISES[name][1].hints
    for i in range(len(hints) + 1):
        course.hint(name)
        assert f"hint {min(i + 1, len(hints))} of {len(hints)}" in capsys.readouterr().out


def test_solution_prints_code_that_runs(capsys):
    for name, (_, exercise) in EXERCISES.items():
        course.solution(name)
        printed = capsys.readouterr().out
        ast.parse(printed)
        assert exercise.name.replace("_", "") in printed.lower().replace("_", "")


def test_solutions_can_be_switched_off(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_SOLUTIONS", "off")
    course.solution(any_name())
    assert "switched off" in capsys.readouterr().out


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match=any_name()):
        course.check(any_name() + "x", 1)


def test_progress_is_remembered(own_progress, capsys):
    name = any_name()
    number, exercise = EXERCISES[name]
    course.check(name, exercise.mistakes[0].answer)
    assert course.progress(as_dict=True)[number][name]["state"] == "attempted"
    course.hint(name)
    course.check(name, exercise.solution)
    course.check(name, exercise.mistakes[0].answer)  # playing on loses nothing
    store._in_memory.clear()  # as after a restart of the kernel
    assert course.progress(as_dict=True)[number][name] == {
        "state": "solved",
        "attempts": 2,
        "hints": 1,
    }
    capsys.readouterr()
    assert course.progress() is None
    printed = capsys.readouterr().out
    assert f"[x] {name}" in printed and printed.startswith(
        f"1 of {len(EXERCISES)} exercises solved"
    )


def test_an_untouched_stub_leaves_no_trace(own_progress):
    course.check(any_name(), EXERCISES[any_name()][1].stub or ...)
    assert not own_progress.exists()


@pytest.mark.parametrize("text", ["{", "[]", "null", '{"a": 1}', '{"a": {"state": "x"}}', "\udcff"])
def test_a_broken_file_is_set_aside(own_progress, text):
    own_progress.write_bytes(text.encode("utf-8", "surrogateescape"))
    course.check(any_name(), EXERCISES[any_name()][1].solution)
    assert own_progress.with_suffix(".broken.json").exists()
    assert any_name() in json.loads(own_progress.read_text(encoding="utf-8"))


def test_two_notebooks_at_once_lose_nothing(own_progress):
    script = (
        "from helpers.exercises import store\n"
        "import sys\n"
        "for i in range(40): store.record(f'{sys.argv[1]}{i}', solved=True, hints=0)"
    )
    kernels = [
        subprocess.Popen([sys.executable, "-c", script, letter], cwd=ROOT) for letter in "ab"
    ]
    assert [kernel.wait() for kernel in kernels] == [0, 0]
    assert len(json.loads(own_progress.read_text(encoding="utf-8"))) == 80


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path, monkeypatch, capsys):
    blocked = tmp_path / "a file"
    blocked.write_text("in the way")
    monkeypatch.setenv("COURSE_PROGRESS", str(blocked / "progress.json"))
    course.check(any_name(), EXERCISES[any_name()][1].solution)
    printed = capsys.readouterr().out
    assert "right." in printed and "could not be saved" in printed
    assert course.progress(as_dict=True)[EXERCISES[any_name()][0]][any_name()]["state"] == "solved"


def test_progress_lies_in_the_users_folder(monkeypatch):
    monkeypatch.delenv("COURSE_PROGRESS")
    path = store._path()
    assert path.name == "progress.json" and ROOT not in path.parents


def test_numpy_values_are_accepted():
    value = Exercise(
        name="v", kind="predict", solution=12.0, why=".", hints=(".", "."), mistakes=(Mistake(6.0, "Half."),)
    )  # fmt: skip
    for answer in (12, 12.0, np.float32(12), torch.tensor(12), [12.0]):
        assert examine(value, answer)[0] == "solved"
    assert examine(value, 6)[1] == "not yet. Half."
