"""Every exercise: its solution, its known mistakes, other right forms, its cell in the notebook; and the four verbs."""

import ast
import collections
import functools
import inspect
import json
import re
import string
import textwrap

import pytest
from exercise_cells import EXERCISES, cells_of, notebook_cells, run_as_a_cell, verdict
from lessons import ROOT, is_deeper
from processes import FORK, needs_fork

from helpers import exercises as course
from helpers.data import load_mnist
from helpers.exercises import mnist_dnn, multilayer_perceptron
from helpers.exercises.engine import store, words

MNIST = functools.cache(load_mnist)


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


@pytest.fixture(autouse=True)
def one_reading(monkeypatch):
    monkeypatch.setattr(mnist_dnn, "load_mnist", MNIST)


# What an exercise is made of


@pytest.fixture
def without_words(monkeypatch):
    """A catalogue in a language that has no letters: what still has some is not in it."""
    known = [text.words for texts in course.words().values() for text in texts]
    monkeypatch.setattr(words, "catalogue", {text: wordless(text) for text in known})


def wordless(text):
    """The holes of a text, and a sign for each word around them."""
    parts = string.Formatter().parse(text)
    return "".join(
        re.sub(r"[^\W\d_]+", "¤", literal).replace("{", "{{").replace("}", "}}")
        + ("" if name is None else f"{{{name}{'!' + conversion if conversion else ''}{':' + form if form else ''}}}")
        for literal, name, form, conversion in parts
    )


def sentences(text):
    """Three English words in a row, where no error of Python is quoted."""
    if text.says(words.MESSAGES["stopped"].words) or text.says(words.MESSAGES["unusable"].words):
        return None
    return re.search(r"\b[a-z]{2,} [a-z]{2,} [a-z]{2,}\b", str(text))


@pytest.mark.parametrize("number", course.notebooks())
def test_a_notebook_has_three_kinds_of_exercises(number):
    kinds = {exercise.kind for exercise in course.exercises(number)}
    assert kinds >= {"predict", "write", "repair"}


def test_solution_is_right(exercise):
    state, text = verdict(exercise, exercise.solution)
    assert state == "solved", text
    assert text.says(exercise.why.words)


def test_known_mistakes_get_their_message(exercise, without_words):
    assert len(exercise.mistakes) >= 2
    for mistake in exercise.mistakes:
        state, text = verdict(exercise, mistake.answer)
        assert state == "attempted", f"accepted: {mistake.message.words}"
        others = [other.message.words for other in exercise.mistakes if text.says(other.message.words)]
        assert text.says(mistake.message.words), f"{mistake.message.words!r} is taken for {others or text}"
        assert not sentences(text), f"not in the catalogue: {text}"


def test_other_forms_of_the_right_answer_are_accepted(exercise):
    assert exercise.accepted
    for answer in exercise.accepted:
        state, text = verdict(exercise, answer)
        assert state == "solved", text


def test_texts_are_sentences(exercise):
    assert 2 <= len(exercise.hints) <= 3
    for text in (exercise.why, *exercise.hints, *(mistake.message for mistake in exercise.mistakes)):
        assert text.words == text.words.strip() and text.words[-1] in ".?!", text.words
        assert len(text.words) < 400, text.words


MODULES = [path for path in (ROOT / "helpers" / "exercises").glob("*.py") if path.stem != "__init__"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_name_in_a_module_means_two_things(path):
    """A probe reads the names of its module when it runs: one bound twice would be that of a later exercise."""
    bound = collections.Counter()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            bound[node.name] += 1
        for target in getattr(node, "targets", ()):
            bound.update(n.id for n in ast.walk(target) if isinstance(n, ast.Name))
    assert {name for name, count in bound.items() if count > 1} <= {"exercise", "_"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_what_is_said_is_no_f_string(path):
    """Once filled in, it could not be found in a catalogue."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("text", "hint", "mistake"):
            said = node.args[:1] if node.func.attr != "hint" else node.args
            assert not any(isinstance(text, ast.JoinedStr) for text in said), ast.unparse(node)


# The exercise and its cell


@pytest.mark.parametrize("number", course.notebooks())
def test_each_exercise_has_its_cell_and_each_stub_is_open(number):
    cells, imports = notebook_cells(number)
    assert list(cells) == [e.name for e in course.exercises(number)], "the cells, in the order of the module"
    namespace = {"__name__": "__main__"}
    exec(imports, namespace)
    for exercise in course.exercises(number):
        printed = run_as_a_cell(cells[exercise.name].source, namespace)
        assert "not attempted yet" in printed, f"the cell of {exercise.name} prints {printed!r}"
        assert is_deeper(cells[exercise.name]) == exercise.deeper, exercise.name


def test_stub_and_solution_have_the_same_signature_and_docstring(exercise):
    if not (inspect.isfunction(exercise.solution) or inspect.isclass(exercise.solution)):
        return
    stub = definition(cell_of(exercise).source)
    assert outline(stub) == outline(definition(exercise.source())), exercise.name


def test_the_broken_function_of_a_repair_is_that_of_the_notebook(exercise):
    if exercise.kind != "repair":
        return
    stub, broken = definition(cell_of(exercise).source), definition(inspect.getsource(exercise.stub))
    broken.name, broken.decorator_list = stub.name, stub.decorator_list
    assert ast.unparse(stub) == ast.unparse(broken)


def cell_of(exercise):
    cells, _ = notebook_cells(EXERCISES[exercise.name][0])
    assert exercise.name in cells, f"no cell has the id exercise-{exercise.name.replace('_', '-')}"
    return cells[exercise.name]


# A judge that trains does it as the notebook does: statements of these cells stand in the module, word for word
THE_SAME = [
    ("06", "half-mse", multilayer_perceptron, [0]),
    ("06", "attempt-function", multilayer_perceptron, [0]),
    ("10", "split", mnist_dnn, [0, 1]),
    ("10", "scale", mnist_dnn, [0]),
    ("10", "climb", mnist_dnn, [0, 2]),
]


@pytest.mark.parametrize(("number", "cell_id", "module", "places"), THE_SAME, ids=[cell for _, cell, _, _ in THE_SAME])
def test_a_judge_trains_as_the_notebook_does(number, cell_id, module, places):
    (cell,) = [cell for cell in cells_of(number) if cell.id == cell_id]
    statements = [ast.unparse(node) for node in ast.parse(cell.source).body]
    nodes = ast.walk(ast.parse(inspect.getsource(module)))
    there = {ast.unparse(node) for node in nodes if isinstance(node, ast.stmt)}
    assert [statements[i] for i in places if statements[i] not in there] == []


@pytest.mark.parametrize(
    ("name", "module", "limit"),
    [
        ("spiral_design", multilayer_perceptron, "SECONDS"),
        ("quadrant_net", multilayer_perceptron, "SECONDS"),
        ("small_network", mnist_dnn, "PATIENCE"),
    ],
)
def test_a_training_without_end_is_stopped(monkeypatch, name, module, limit):
    monkeypatch.setattr(module, limit, 0)
    exercise = EXERCISES[name][1]
    state, text = verdict(exercise, exercise.solution)
    assert state == "attempted" and "topped after 0 seconds" in str(text)


def definition(source):
    """The first function or class in some code."""
    body = ast.parse(textwrap.dedent(source)).body
    return next(node for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef)))


def outline(node):
    """Name, arguments and docstring of a function; of a class those of its methods."""
    if isinstance(node, ast.ClassDef):
        methods = [outline(part) for part in node.body if isinstance(part, ast.FunctionDef)]
        return node.name, list(map(ast.unparse, node.bases)), ast.get_docstring(node), methods
    return node.name, ast.unparse(node.args), ast.get_docstring(node)


# The verbs and the progress file


def any_name():
    return next(iter(EXERCISES))


def test_hints_come_one_by_one(capsys):
    name = any_name()
    hints = EXERCISES[name][1].hints
    for i in range(len(hints) + 1):
        course.hint(name)
        assert f"hint {min(i + 1, len(hints))} of {len(hints)}" in capsys.readouterr().out


def test_a_printed_solution_is_shown_whole_where_a_notebook_is(exercise):
    assert max(map(len, exercise.source().splitlines())) <= 88


def test_solution_prints_the_solution(exercise, capsys):
    course.solution(exercise.name)  # that it runs in its notebook: tests/test_order.py
    assert capsys.readouterr().out == exercise.source() + "\n"


@pytest.mark.parametrize("setting", ["off", "OFF", " off ", "0", "no", "false", "on", "On ", ""])
def test_solutions_can_be_switched_off(monkeypatch, capsys, setting):
    monkeypatch.setenv("COURSE_SOLUTIONS", setting)
    name = any_name()
    course.solution(name)
    printed = capsys.readouterr().out
    assert (EXERCISES[name][1].source() in printed) == (setting.strip().lower() in ("on", ""))
    assert ("neither on nor off" in printed) == (setting in ("0", "no", "false"))


@pytest.mark.parametrize("setting", ["OFF", " off", "0", "no", "progress"])
def test_progress_is_switched_off_or_named(monkeypatch, tmp_path, capsys, setting):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COURSE_PROGRESS", setting)
    course.check(any_name(), EXERCISES[any_name()][1].solution)
    assert list(tmp_path.iterdir()) == []
    refused = "neither off nor a file" in " ".join(capsys.readouterr().out.split())
    assert refused == (setting.strip().lower() != "off")
    if refused:
        with pytest.raises(ValueError, match="neither off nor a file"):
            course.progress()


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
        "deeper": exercise.deeper,
    }
    capsys.readouterr()
    assert course.progress() is None
    printed = capsys.readouterr().out
    assert f"[x] {name}" in printed and printed.startswith(f"1 of {len(EXERCISES)} exercises solved")


def test_an_untouched_stub_leaves_no_trace(own_progress):
    course.check(any_name(), EXERCISES[any_name()][1].stub or ...)
    assert not own_progress.exists()


@pytest.mark.parametrize("text", ["{", "[]", "null", '{"a": 1}', '{"a": {"state": "x"}}', "\udcff"])
def test_a_broken_file_is_set_aside(own_progress, text):
    own_progress.write_bytes(text.encode("utf-8", "surrogateescape"))
    course.check(any_name(), EXERCISES[any_name()][1].solution)
    assert own_progress.with_suffix(".broken.json").exists()
    assert any_name() in json.loads(own_progress.read_text(encoding="utf-8"))


@needs_fork
def test_two_notebooks_at_once_lose_nothing(own_progress):
    def solve(letter):
        for i in range(40):
            store.record(f"{letter}{i}", solved=True, hints=0)

    kernels = [FORK.Process(target=solve, args=letter) for letter in "ab"]
    for kernel in kernels:
        kernel.start()
    for kernel in kernels:
        kernel.join()
    assert [kernel.exitcode for kernel in kernels] == [0, 0]
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


def test_deeper_exercises_are_marked(capsys):
    course.progress()
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    for name, (_, exercise) in EXERCISES.items():
        (line,) = [i for i, line in enumerate(lines) if name in line.split()]
        while not lines[line][:14].strip():  # the rest of the line before
            line -= 1
        assert lines[line].startswith("    deeper:") == exercise.deeper, name
