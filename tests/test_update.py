"""The teacher's update in a reader's folder (`make update`), and that opening a notebook does not change it."""

import copy
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tomllib

import nbformat
import pytest
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelspec import get_kernel_dict
from jupyter_server.services.contents.largefilemanager import LargeFileManager
from lessons import NOTEBOOKS, ROOT

import tools.update
from tools.update import Trouble, merge_file, merge_notebook, update

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="needs git")

KERNEL = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}}
LESSON = "notebooks/01_lesson.ipynb"


def cell(id_, text, shown=None, count=None):
    if not re.match(r"[\w(]", text):
        return {"cell_type": "markdown", "id": id_, "metadata": {}, "source": text}
    outputs = [{"output_type": "stream", "name": "stdout", "text": shown}] if shown else []
    return {
        "cell_type": "code",
        "id": id_,
        "metadata": {},
        "source": text,
        "outputs": outputs,
        "execution_count": count,
    }


def lesson():
    return [
        cell("title", "# A lesson"),
        cell("import", "import torch"),
        cell("ask", "## How steep?\n\nPredict."),
        cell("exercise-slope", 'def slope(x):\n    ...\n\n\ncheck("slope", slope)', "not attempted yet", 2),
        cell("run", "print(3)", "3\n", 3),
        cell("end", "# Recap"),
    ]


def notebook(cells, **metadata):
    return {"cells": cells, "metadata": KERNEL | metadata, "nbformat": 4, "nbformat_minor": 5}


def read(path):
    return nbformat.read(path, as_version=4)


def text(path, id_):
    (found,) = [c.source for c in read(path).cells if c.id == id_]
    return found


def store(path, cells, **metadata):
    path.parent.mkdir(parents=True, exist_ok=True)
    data = json.dumps(notebook(cells, **metadata), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    path.write_text(data, encoding="utf-8", newline="\n")


def git(folder, *args):
    return subprocess.run(["git", *args], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder, message="work"):
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)


class Class:
    """A teacher's repository, and the folders of its readers."""

    def __init__(self, folder):
        self.folder, self.teacher = folder, folder / "teacher"
        store(self.teacher / LESSON, lesson())
        (self.teacher / "helpers").mkdir()
        (self.teacher / "helpers/data.py").write_text("rows = 3\n")
        (self.teacher / "requirements.txt").write_text("torch\n")
        (self.teacher / ".gitignore").write_text("mine/\nnotebooks/from_teacher/\n")
        git(folder, "init", "-q", "-b", "main", "teacher")
        commit(self.teacher, "the course")

    def reader(self, *options, of=None, name="reader"):
        git(self.folder, "clone", "-q", *options, f"file://{of or self.teacher}", name)
        return self.folder / name

    def change(self, folder=None, name=LESSON, add=(), drop=(), **sources):
        """Change cells of a notebook in `folder`, the teacher's if none is named: add=[(before, cell)], id=its new text."""
        path = (folder or self.teacher) / name
        cells = [c for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["id"] not in drop]
        for c in cells:
            c["source"] = sources.get(c["id"].replace("-", "_"), c["source"])
        for before, new in add:
            at = next((i for i, c in enumerate(cells) if c["id"] == before), len(cells))
            cells.insert(at, new)
        store(path, cells)
        if not folder:
            commit(self.teacher, "next week")


def run(reader):
    said = []
    update(reader, said.append)
    return "\n".join(said)


@pytest.fixture
def school(tmp_path, monkeypatch):
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ann")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ann@example.org")
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    return Class(tmp_path)


ANSWER = 'def slope(x):\n    return 2 * x\n\n\ncheck("slope", slope)'

# ------------------------------------------------------------------------------------ cells


def edited(notebook, dice, who):
    """What a teacher or a reader may do to a notebook, by dice."""
    notebook = copy.deepcopy(notebook)
    cells = notebook["cells"]
    for number in range(dice.randint(3, 9)):
        at, new = dice.randrange(20), cell(f"{who}-{number}", f"print('{who} {number}')")
        match dice.choice(["change", "change", "change", "add", "append", "delete", "move"]):
            case "change":
                cells[at]["source"] = f"{who} {number}\n{cells[at]['source']}"
            case "add":
                cells.insert(at, new)
            case "append":
                cells.append(new)
            case "delete":
                del cells[at]
            case "move":
                cells.insert(dice.randrange(len(cells)), cells.pop(at))
    for c in cells:  # and run it
        if c["cell_type"] == "code":
            c["execution_count"] = dice.randrange(100)
            c["metadata"]["scrolled"] = True
    return notebook


@pytest.mark.parametrize("path", NOTEBOOKS[::3], ids=lambda path: path.stem)
def test_no_answer_is_lost_and_no_news_is_missing_without_a_word(path):
    base = json.loads(path.read_text(encoding="utf-8"))
    for c in base["cells"]:
        c["source"] = "".join(c["source"])
    conflicts = 0
    for seed in range(12):
        dice = random.Random(seed)
        mine, theirs = edited(base, dice, "mine"), edited(base, dice, "theirs")
        merged, told = merge_notebook(base, mine, theirs)
        nbformat.validate(merged)
        old, me, teacher, new = ({c["id"]: c["source"] for c in n["cells"]} for n in (base, mine, theirs, merged))
        assert len(new) == len(merged["cells"])
        assert {i: s for i, s in me.items() if s != old.get(i)}.items() <= new.items()
        missing = {i for i, s in teacher.items() if s != old.get(i) and new.get(i) != s}
        assert missing == {i for i in missing if me.get(i) != old.get(i)}
        kept = {i for i in old.keys() & me.keys() - teacher.keys() if me[i] != old[i]}
        assert len(missing) + len(kept) == len([what for what, _ in told if what != "moved"])
        assert {i for i, s in old.items() if me.get(i) == teacher.get(i) == s} <= new.keys()
        # An update that was cut short is run again.
        assert merge_notebook(base, merged, theirs)[0] == merged
        conflicts += len(told)
    assert conflicts > 5


A, B, C = (cell("x", f"print({name})", f"{name}\n", 1) for name in "abc")
A_RUN = A | {"outputs": [], "execution_count": 9}


@pytest.mark.parametrize(
    ("base", "mine", "theirs", "kept", "told"),
    [
        (A, A, B, B, False),
        (A, A_RUN, A, A_RUN, False),
        (A, A_RUN, B, B, False),  # a cell and its output stay together
        (A, A_RUN, A | {"outputs": B["outputs"]}, A | {"outputs": B["outputs"]}, False),
        (A, B, A, B, False),
        (A, B, B, B, False),
        (A, B, C, B, True),
        (A, None, A, None, False),
        (A, None, B, None, True),
        (A, A, None, None, False),
        (A, A_RUN, None, None, False),
        (A, B, None, B, True),
        (None, A, None, A, False),
        (None, None, A, A, False),
        (None, A, A, A, False),
        (None, A, B, A, True),
    ],
)
def test_a_cell_is_the_readers_or_the_teachers(base, mine, theirs, kept, told):
    assert tools.update.merge_cell(base, mine, theirs) == (kept, told)


def test_cells_without_ids_find_their_place():
    """Colab and old editors drop the ids."""
    base = json.loads(NOTEBOOKS[2].read_text(encoding="utf-8"))
    mine, theirs = copy.deepcopy(base), copy.deepcopy(base)
    stub = next(c for c in mine["cells"] if c["cell_type"] == "code" and c["id"].startswith("exercise-"))
    stub["source"] = "".join(stub["source"]).replace("...", "return 42", 1)
    theirs["cells"].insert(4, cell("new", "print(1)"))
    name = stub["id"]
    mine["cells"][5]["source"] = "all of it is new"  # no text is near, but Colab writes the id elsewhere
    for number, c in enumerate(mine["cells"]):
        c["metadata"]["id"] = c["id"] if number % 2 else "dropped"
        del c["id"]
    merged, told = merge_notebook(base, mine, theirs)
    assert [c["id"] for c in merged["cells"]] == [c["id"] for c in theirs["cells"]] and not told
    assert "return 42" in "".join(next(c for c in merged["cells"] if c["id"] == name)["source"])


def test_an_id_that_stands_twice_loses_no_cell():
    base = notebook(lesson())
    mine = notebook([*lesson(), cell("exercise-slope", ANSWER)])
    merged, told = merge_notebook(base, mine, base)
    assert [c["source"] for c in merged["cells"]] == [c["source"] for c in mine["cells"]] and not told
    assert len({c["id"] for c in merged["cells"]}) == len(merged["cells"])


def test_cells_that_the_teacher_moved_move_and_the_readers_go_along():
    def order(mine, theirs):
        versions = ([cell(i, f"print('{i}')") for i in ids] for ids in ("abcd", mine, theirs))
        merged, told = merge_notebook(*map(notebook, versions))
        return "".join(c["id"] for c in merged["cells"]), [what for what, _ in told]

    assert order("abcd", "dabc") == ("dabc", [])
    assert order("bacd", "abcdx") == ("bacdx", [])
    assert order("abxcd", "dabcy") == ("dabxcy", [])
    assert order("bacdx", "abdcy") == ("bacydx", ["moved"])
    assert order("abcdx", "abcdy") == ("abcdxy", [])  # nbgitpuller and nbdime lose the y


# ------------------------------------------------------------------------------------ folders


def test_answers_stay_and_the_update_arrives(school):
    reader = school.reader()
    school.change(reader, exercise_slope=ANSWER, add=[("", cell("note", "my note")), ("run", cell("try", "print(7)"))])
    (reader / "notebooks/own.ipynb").write_text("{}")
    school.change(
        run="print(4)", ask="## How steep?\n\nPredict twice.", add=[("", cell("more", "# More"))], drop=["import"]
    )
    store(school.teacher / "notebooks/02_next.ipynb", lesson())
    commit(school.teacher)
    said = run(reader)
    assert [c.id for c in read(reader / LESSON).cells] == [
        "title",
        "ask",
        "exercise-slope",
        "try",
        "run",
        "end",
        "note",
        "more",
    ]
    assert text(reader / LESSON, "exercise-slope") == ANSWER and text(reader / LESSON, "run") == "print(4)"
    assert (reader / "notebooks/02_next.ipynb").read_bytes() == (
        school.teacher / "notebooks/02_next.ipynb"
    ).read_bytes()
    assert git(reader, "rev-parse", "HEAD") == git(school.teacher, "rev-parse", "HEAD")
    assert git(reader, "status", "--short").split() == ["M", LESSON, "??", "notebooks/own.ipynb"]
    assert f"updated {LESSON}, with what you wrote in it" in said and "new     notebooks/02_next.ipynb" in said
    assert "- " not in said and "Reload Notebook from Disk" in said and "requirements" not in said
    assert run(reader).startswith("Nothing new")


def test_what_both_changed_is_named_and_both_are_there(school):
    reader = school.reader()
    school.change(reader, exercise_slope=ANSWER, ask="## How steep?\n\nI say 3.", end="# Recap!")
    school.change(
        exercise_slope=ANSWER.replace("return", "..."),
        ask="## How steep?\n\nPredict twice.",
        run="print(4)",
        drop=["end"],
    )
    said = run(reader)
    teachers = reader / "notebooks/from_teacher/01_lesson.ipynb"
    assert text(reader / LESSON, "exercise-slope") == ANSWER and text(reader / LESSON, "run") == "print(4)"
    assert teachers.read_bytes() == (school.teacher / LESSON).read_bytes()
    assert re.findall(r"(?m)^- (.*)", said) == [
        f'{LESSON}, the cell "## How steep?": you and the teacher changed it. Yours stays; the teacher\'s is in notebooks/from_teacher/01_lesson.ipynb.',
        f'{LESSON}, exercise "slope", below "How steep?": you and the teacher changed it. Yours stays; the teacher\'s is in notebooks/from_teacher/01_lesson.ipynb.',
        f'{LESSON}, the cell "# Recap!": the teacher removed it, and you had written in it. Yours stays.',
    ]
    # What a reader does in the teacher's copy stays, too.
    school.change(reader, "notebooks/from_teacher/01_lesson.ipynb", exercise_slope=ANSWER)
    before = teachers.read_bytes()
    school.change(ask="## How steep?\n\nPredict thrice.")
    assert "from_teacher/01_lesson (2).ipynb" in run(reader)
    assert teachers.read_bytes() == before and text(reader / LESSON, "ask") == "## How steep?\n\nI say 3."
    assert text(reader / "notebooks/from_teacher/01_lesson (2).ipynb", "ask") == "## How steep?\n\nPredict thrice."


def test_a_second_update_starts_where_the_first_ended(school):
    reader = school.reader()
    school.change(reader, exercise_slope=ANSWER)
    for week in range(3):
        school.change(run=f"print({week + 10})", add=[("", cell(f"week-{week}", f"print({week})"))])
        assert "- " not in run(reader)
    assert text(reader / LESSON, "run") == "print(12)" and text(reader / LESSON, "exercise-slope") == ANSWER


def test_a_notebook_that_was_only_opened_is_the_teachers(school):
    reader = school.reader()
    school.change(run="print(4)")
    opened = {"kernelspec": KERNEL["kernelspec"] | {"display_name": "mine"}, "language_info": {"version": "3.12.1"}}
    store(reader / LESSON, lesson(), **opened)
    said = run(reader)
    assert git(reader, "status", "--short") == "" and f"updated {LESSON}\n" in said
    other_kernel = {"kernelspec": {"display_name": "Course", "language": "python", "name": "course"}}
    store(reader / LESSON, read(reader / LESSON).cells, **other_kernel)
    school.change(run="print(5)")
    run(reader)
    assert read(reader / LESSON).metadata.kernelspec.name == "course" and text(reader / LESSON, "run") == "print(5)"


def test_code_is_the_teachers_and_a_copy_is_kept(school):
    reader = school.reader()
    (reader / "helpers/data.py").write_text("rows = 4\n")
    (reader / "helpers/own.py").write_text("mine = 1\n")
    school.change(run="print(4)")
    assert "helpers" not in run(reader) and (reader / "helpers/data.py").read_text() == "rows = 4\n"
    for rows, name in (5, "mine/helpers/data.py"), (6, "mine/helpers/data (2).py"):
        mine = f"rows = {rows} - 1\n"
        (reader / "helpers/data.py").write_text(mine)
        (school.teacher / "helpers/data.py").write_text(f"rows = {rows}\n")
        (school.teacher / "requirements.txt").write_text(f"torch>={rows}\n")
        commit(school.teacher)
        said = run(reader)
        assert (reader / "helpers/data.py").read_text() == f"rows = {rows}\n" and (reader / name).read_text() == mine
        assert (
            f"- helpers/data.py, you and the teacher changed it. The teacher's is in place, since the notebooks need it; yours is in {name}."
            in said
        )
        assert "pip install -r requirements.txt" in said and "make lab" in said
    assert (reader / "helpers/own.py").exists()
    (reader / "helpers/data.py").write_text("mine\n")
    git(school.teacher, "rm", "-q", "helpers/data.py")
    commit(school.teacher)
    assert "data (3).py" in run(reader) and not (reader / "helpers/data.py").exists()


def test_a_notebook_deleted_or_replaced_by_one_side_loses_no_answer(school):
    """Deleted, removed, of the same name, and no notebook any more."""
    for name in ("02_a", "03_b", "04_c", "05_d"):
        store(school.teacher / f"notebooks/{name}.ipynb", lesson())
    commit(school.teacher)
    reader = school.reader()
    (reader / "notebooks/02_a.ipynb").unlink()
    school.change(reader, "notebooks/03_b.ipynb", exercise_slope=ANSWER)
    broken = b"<<<<<<< HEAD\n" + (reader / "notebooks/05_d.ipynb").read_bytes()
    (reader / "notebooks/05_d.ipynb").write_bytes(broken)
    store(reader / "notebooks/06_e.ipynb", [cell("mine", "print('own')")])
    store(reader / "notebooks/07_f.ipynb", [*lesson()[:3], cell("exercise-slope", ANSWER)])  # came by mail, perhaps
    git(school.teacher, "rm", "-q", "notebooks/03_b.ipynb", "notebooks/04_c.ipynb")
    school.change(name="notebooks/05_d.ipynb", run="print(5)")
    for name in ("06_e", "07_f"):
        store(school.teacher / f"notebooks/{name}.ipynb", lesson())
    commit(school.teacher)
    said = run(reader)
    assert (reader / "notebooks/02_a.ipynb").exists() and "02_a.ipynb, you had deleted it; it is there again." in said
    assert text(reader / "notebooks/03_b.ipynb", "exercise-slope") == ANSWER
    assert "03_b.ipynb, the teacher removed or renamed this notebook, and you had changed it. Yours stays." in said
    assert not (reader / "notebooks/04_c.ipynb").exists()
    assert (reader / "notebooks/05_d.ipynb").read_bytes() == broken and "05_d.ipynb, your file is no notebook" in said
    assert text(reader / "notebooks/from_teacher/05_d.ipynb", "run") == "print(5)"
    assert [c.id for c in read(reader / "notebooks/06_e.ipynb").cells] == ["mine"] and "06_e.ipynb, yours has" in said
    assert (reader / "notebooks/from_teacher/06_e.ipynb").exists()
    assert [c.id for c in read(reader / "notebooks/07_f.ipynb").cells] == [c["id"] for c in lesson()]
    assert text(reader / "notebooks/07_f.ipynb", "exercise-slope") == ANSWER and '07_f.ipynb, exercise "slope"' in said


@pytest.mark.parametrize("where", ["main", "branch", "detached", "shallow", "fork", "tracked"])
def test_commits_branches_and_forks_are_updated_too(school, where, tmp_path):
    ours = "autumn" if where == "tracked" else "main"
    git(school.teacher, "checkout", "-q", "-B", ours)
    options = {"shallow": ["--depth=1"], "tracked": ["--branch=autumn"]}.get(where, [])
    if where == "fork":
        git(tmp_path, "clone", "-q", "--bare", "teacher", "fork")
        reader = school.reader(of=tmp_path / "fork")
        git(reader, "remote", "add", "upstream", f"file://{school.teacher}")
    else:
        reader = school.reader(*options)
    if where == "branch":
        git(reader, "checkout", "-q", "-b", "homework")
    if where == "detached":
        git(reader, "checkout", "-q", "--detach")
    school.change(reader, exercise_slope=ANSWER)
    git(reader, "commit", "-q", "-am", "my answer")
    mine = git(reader, "rev-parse", "HEAD")
    school.change(reader, title="# My lesson")  # and something that is not committed
    school.change(run="print(4)", add=[("", cell("more", "# More"))])
    if where == "tracked":
        git(school.teacher, "checkout", "-q", "main")
        school.change(run="print('for another class')")
    teachers = git(school.teacher, "rev-parse", ours)
    branch = git(reader, "rev-parse", "--abbrev-ref", "HEAD")
    run(reader)
    assert git(reader, "rev-parse", "--abbrev-ref", "HEAD") == branch
    assert git(reader, "rev-parse", "HEAD^1", "HEAD^2").split() == [mine, teachers]
    assert (text(reader / LESSON, "exercise-slope"), text(reader / LESSON, "run")) == (ANSWER, "print(4)")
    git(reader, "diff", "--exit-code", "--", ".gitignore", "helpers")
    changed = re.findall(r"(?m)^[-+] .*", git(reader, "diff"))
    assert len(changed) == 2 and "# My lesson" in changed[1]  # the merge holds all but that
    if where != "tracked":
        school.change(run="print(5)")
        assert "- " not in run(reader)
        assert (text(reader / LESSON, "title"), text(reader / LESSON, "run")) == ("# My lesson", "print(5)")


def test_a_fork_that_knows_no_teacher_is_told(school, tmp_path):
    git(tmp_path, "clone", "-q", "--bare", "teacher", "fork")
    reader = school.reader(of=tmp_path / "fork")
    school.change(run="print(4)")
    assert "Sync fork" in run(reader) and text(reader / LESSON, "run") == "print(3)"


def test_line_ends_of_windows_are_no_change(school):
    reader = school.reader("-c", "core.autocrlf=true")
    assert b"\r\n" in (reader / LESSON).read_bytes()
    (reader / "helpers/data.py").write_bytes(b"rows = 3\r\n")
    school.change(reader, exercise_slope=ANSWER)  # JupyterLab writes no \r
    school.change(run="print(4)")
    (school.teacher / "helpers/data.py").write_text("rows = 5\n")
    commit(school.teacher)
    said = run(reader)
    assert "- " not in said and (reader / "helpers/data.py").read_bytes() == b"rows = 5\r\n"
    assert (text(reader / LESSON, "exercise-slope"), text(reader / LESSON, "run")) == (ANSWER, "print(4)")


def test_an_old_tab_that_is_saved_over_the_update_does_not_undo_it(school):
    """JupyterLab asks, and half of all readers press Overwrite. Those cells are not theirs to have deleted."""
    reader = school.reader()
    school.change(reader, exercise_slope=ANSWER)
    before = (reader / LESSON).read_bytes()
    school.change(run="print(4)", add=[("", cell("more", "# More"))])
    for _ in range(2):
        run(reader)
        after = (reader / LESSON).read_bytes()
        assert text(reader / LESSON, "run") == "print(4)"
        (reader / LESSON).write_bytes(before)
    said = run(reader)
    assert (reader / LESSON).read_bytes() == after
    assert re.findall("(?m)^- (.*)", said) == [f"{LESSON}, {tools.update.SENTENCES['again']}"]
    # Who deletes one of two changed cells has deleted it.
    school.change(reader, drop=["more"])
    assert run(reader).startswith("Nothing new") and len(read(reader / LESSON).cells) == 6


@pytest.mark.parametrize("saved_after", ["two updates", "three updates, the last of them another notebook's"])
def test_a_tab_that_was_open_for_weeks_undoes_none_of_their_updates(school, saved_after):
    reader = school.reader()
    school.change(run="print(4)", add=[("", cell("week-1", "# Week 1"))])
    run(reader)
    school.change(reader, exercise_slope=ANSWER)
    tab = (reader / LESSON).read_bytes()
    school.change(ask="## How steep?\n\nPredict twice.", add=[("", cell("week-2", "# Week 2"))], drop=["title"])
    run(reader)
    school.change(run="print(5)", add=[("", cell("week-3", "# Week 3"))])
    run(reader)
    if saved_after != "two updates":
        store(school.teacher / "notebooks/02_next.ipynb", lesson())
        commit(school.teacher)
        run(reader)
    after = (reader / LESSON).read_bytes()
    (reader / LESSON).write_bytes(tab)
    said = run(reader)
    assert (reader / LESSON).read_bytes() == after
    assert re.findall("(?m)^- (.*)", said) == [f"{LESSON}, {tools.update.SENTENCES['again']}"]
    assert run(reader).startswith("Nothing new")


def test_what_else_has_to_be_done_after_an_update_is_said(school):
    """A kernel that runs has imported the old helpers: a new cell that needs the new ones stops there."""
    reader = school.reader()
    school.change(run="print(4)")
    said = run(reader)
    assert "Reload Notebook from Disk" in said and "Restart Kernel" not in said and "make lab" not in said
    (school.teacher / "helpers/data.py").write_text("rows = 4\n")
    commit(school.teacher)
    assert "Kernel, Restart Kernel" in run(reader)
    (school.teacher / "requirements.txt").write_text("torch  # the same\n")
    commit(school.teacher)
    said = run(reader)
    assert "requirements.txt has changed" in said and "make lab" in said and "Reload" not in said


# ------------------------------------------------------------------------------------ obstacles


def everything(folder):
    """The files of a checkout, and where it stands."""
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts}
    stand = (
        git(folder, "rev-parse", "HEAD") + git(folder, "status", "--porcelain") if (folder / ".git").exists() else ""
    )
    return files, stand


def unplug(school, reader):
    school.teacher.rename(school.folder / "away")


def unzip(school, reader):
    (reader / ".git").rename(school.folder / "not in a zip")


def half_merged(school, reader):
    git(reader, "commit", "-q", "-am", "mine")
    subprocess.run(["git", "pull", "-q", "--no-rebase"], cwd=reader, capture_output=True)
    assert "<<<<<<<" in (reader / LESSON).read_text()


def begun_anew(school, reader):
    git(school.teacher, "checkout", "-q", "--orphan", "new")
    git(school.teacher, "commit", "-q", "-m", "anew")
    git(school.teacher, "branch", "-q", "-M", "new", "main")


OBSTACLES = {
    "cannot be reached .* Is there a network": unplug,
    "was downloaded, not cloned .* into a new folder": unzip,
    "needs git .* into a new folder": lambda school, reader: None,
    "git remote add upstream": lambda school, reader: git(reader, "remote", "remove", "origin"),
    "A merge .* git merge --abort": half_merged,
    "Another git is at work": lambda school, reader: (reader / ".git/index.lock").touch(),
    "begun anew, .* git clone": begun_anew,
}


@pytest.mark.parametrize("sentence", OBSTACLES)
def test_an_obstacle_is_named_and_nothing_is_changed(school, sentence, monkeypatch):
    reader = school.reader()
    school.change(reader, exercise_slope=ANSWER)
    school.change(exercise_slope=ANSWER + "\n# changed", run="print(4)")
    OBSTACLES[sentence](school, reader)
    before = everything(reader)
    if sentence.startswith("needs git"):
        monkeypatch.setattr(tools.update.shutil, "which", lambda name: None)
    with pytest.raises(Trouble, match=sentence) as caught:
        run(reader)
    monkeypatch.undo()
    assert everything(reader) == before and "\n" not in str(caught.value)


def test_an_update_that_is_cut_short_leaves_whole_files_and_is_finished_later(school, monkeypatch):
    readers = [school.reader(name=name) for name in ("whole", "cut")]
    for reader in readers:
        school.change(reader, exercise_slope=ANSWER, ask="## How steep?\n\n3")
    school.change(run="print(4)", ask="## How steep?\n\nReally?", add=[("", cell("more", "# More"))])
    store(school.teacher / "notebooks/02_next.ipynb", lesson())
    (school.teacher / "helpers/data.py").write_text("rows = 5\n")
    commit(school.teacher)
    old, sentence = everything(readers[0])[0], re.findall("(?m)^- .*", run(readers[0]))
    new, _ = everything(readers[0])
    whole = {path.relative_to(readers[0]): {old.get(path), data} for path, data in new.items()}
    replace, stopped = os.replace, 0
    for last in range(10):
        count = iter(range(100))

        def cut(*paths, count=count, last=last):
            if next(count) == last:
                raise KeyboardInterrupt
            replace(*paths)

        monkeypatch.setattr(os, "replace", cut)
        try:
            said = run(readers[1])
            break
        except KeyboardInterrupt:
            stopped += 1
        for path, data in everything(readers[1])[0].items():
            assert path.suffix == ".part" or data in whole[path.relative_to(readers[1])]
    assert stopped >= 3 and re.findall("(?m)^- .*", said) == sentence
    assert {path.relative_to(readers[1]): data for path, data in everything(readers[1])[0].items()} == {
        path.relative_to(readers[0]): data for path, data in new.items()
    }
    assert git(readers[0], "rev-parse", "HEAD") == git(readers[1], "rev-parse", "HEAD")


def test_the_files_before_the_update_are_kept_in_git(school):
    reader = school.reader()
    school.change(reader, exercise_slope=ANSWER)
    before = (reader / LESSON).read_text(encoding="utf-8")
    school.change(run="print(4)")
    run(reader)
    assert git(reader, "show", f"refs/course/before-update:{LESSON}") == before.strip()


def test_the_command_runs_anywhere_before_anything_is_installed(school, tmp_path):
    """With any Python, from any folder, before anything is installed."""
    (school.teacher / "tools").mkdir()
    shutil.copy(ROOT / "tools/update.py", school.teacher / "tools")
    shutil.copy(ROOT / "Makefile", school.teacher)
    commit(school.teacher)
    reader = school.reader(name="Ann's course ü 강의")
    school.change(run="print(4)")
    bare = [sys.executable, "-I", "-S"]
    done = subprocess.run([*bare, reader / "tools/update.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and f"updated {LESSON}" in done.stdout and not done.stderr
    school.change(reader, ask="## Größe η\n\n3")
    school.change(ask="## Größe η\n\nReally?")
    ascii = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run([*bare[:1], reader / "tools/update.py"], env=ascii, capture_output=True, text=True)
    assert done.returncode == 0 and 'the cell "## Gr??e ?": you and' in done.stdout and not done.stderr
    unplug(school, reader)
    done = subprocess.run([*bare, reader / "tools/update.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and "cannot be reached" in done.stderr
    if shutil.which("make"):
        out = subprocess.run(
            ["make", "--no-print-directory", "-n", "update"], cwd=reader, capture_output=True, text=True, check=True
        ).stdout
        assert out.split()[-1] == "tools/update.py" and "pip" not in out


def test_copies_are_not_part_of_the_course():
    for path in ("notebooks/from_teacher/01_autograd.ipynb", "mine/helpers/data.py"):
        assert subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT).returncode in (0, 128)
    assert {"notebooks/from_teacher/", "mine/"} <= set((ROOT / ".gitignore").read_text().split())


def test_merge_file_takes_what_did_not_change():
    assert merge_file("a.txt", b"1", b"1", b"2") == (b"2", None, [])
    assert merge_file("a.txt", b"1", b"2", b"1") == (b"2", None, [])
    assert merge_file("a.txt", None, b"1", None) == (b"1", None, [])
    assert merge_file("a.txt", b"1", b"1", None) == (None, None, [])


# ------------------------------------------------------------------------------------ opening


def opened(notebook):
    """What JupyterLab 4.6 does to a notebook when its kernel has started, tried in a browser: see _updateSpec there."""
    notebook = copy.deepcopy(notebook)
    spec = get_kernel_dict()
    notebook.metadata.kernelspec = {
        "name": "python3",
        "display_name": spec["display_name"],
        "language": spec["language"],
    }
    notebook.metadata.language_info = dict(IPythonKernel.language_info)
    return notebook


def test_opening_a_notebook_leaves_it_as_it_is(tmp_path):
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"][
        "shared-data"
    ]
    (stored,) = (stored for stored, where in config.items() if where.startswith("etc/jupyter/jupyter_server_config.d/"))
    ((module, on),) = json.loads((ROOT / stored).read_text())["ServerApp"]["jpserver_extensions"].items()
    assert on and (ROOT / module.replace(".", "/")).with_suffix(".py").is_file()

    class App:
        contents_manager = LargeFileManager(root_dir=str(tmp_path))

    manager = App.contents_manager
    extension = __import__(module, fromlist=["_"])
    assert extension._jupyter_server_extension_points() == [{"module": module}]
    extension._load_jupyter_server_extension(App)
    for path in NOTEBOOKS:
        shutil.copy(path, tmp_path)
        model = manager.get(path.name)
        # JupyterLab finds all that it would write, the version as well, and so does not mark the notebook as changed.
        assert "version" in opened(nbformat.from_dict(model["content"])).metadata.language_info
        assert opened(nbformat.from_dict(model["content"])) == model["content"]
        manager.save(
            {"type": "notebook", "format": "json", "content": opened(nbformat.from_dict(model["content"]))}, path.name
        )
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name
    # Other notebooks, and other files, are no business of the course's.
    other = nbformat.from_dict(notebook([], language_info={"name": "python", "version": "3.12"}))
    manager.save({"type": "notebook", "format": "json", "content": other}, "other.ipynb")
    assert read(tmp_path / "other.ipynb").metadata.language_info.version == "3.12"
    manager.save({"type": "file", "format": "text", "content": "1"}, "other.txt")
