"""The way into Colab: the address that `make badges` stamps, and what the first cell of every notebook does with it."""

import importlib.util
import json
import os
import re
import shlex
import shutil
import site
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from form import problems
from lessons import NOTEBOOKS, ROOT

from tools import badges

UNSTAMPED = "<owner>/<repo>"


def one_address(root):
    """The (repo, ref) that stands everywhere in the copy of the course at `root`, and nothing else does."""
    texts = [path.read_text(encoding="utf-8") for path in badges.files(root)]
    readme, *notebooks = found = [badges.addresses(text) for text in texts]
    repo, ref = notebooks[0][0]
    assert notebooks == [[(repo, ref)] * 2] * len(notebooks), "run `make badges`"
    assert readme == [(repo, "")], "run `make badges`"
    # In a form that the tool does not know, it would never be stamped again.
    named = [text.count(f"/{repo}") + text.count(f'"{repo}') for text in texts]
    assert named == [len(addresses) for addresses in found], "the address stands somewhere else, too"
    return repo, ref


def test_every_file_has_the_same_address():
    assert all(one_address(ROOT))


@pytest.fixture
def tree(tmp_path):
    """A copy of what `make badges` needs and changes, not stamped."""
    for folder in ("notebooks", "tools"):
        ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    for name in ("README.md", "Makefile", "pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    for path in badges.files(tmp_path):
        text = path.read_bytes().decode("utf-8")
        path.write_bytes(badges.stamp(text, UNSTAMPED, "main").encode("utf-8"))
    # As on Windows, where git may change the ends of lines
    readme = tmp_path / "README.md"
    readme.write_bytes(readme.read_bytes().replace(b"\n", b"\r\n"))
    return tmp_path


def make_badges(tree, *arguments):
    # The environment of the tests is ready: nothing is installed into the copy.
    ready = ["-o", ".venv/ready", f"BIN={shlex.quote(Path(sys.executable).parent.as_posix())}"]
    command = ["make", "--no-print-directory", *ready, "badges", *arguments]
    # What an outer make was told is not meant for this one.
    env = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
    return subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True)


def lines(tree):
    return [path.read_bytes().splitlines(keepends=True) for path in badges.files(tree)]


def test_stamping_twice_and_stamping_a_fork_leave_one_address(tree):
    before = lines(tree)
    # `m/github` and `v1/v1` look like other parts of the address.
    stamps = [("m/github", "v1.0"), ("m/github", "v1.0"), ("v1/v1", "v1"), ("bob/deep.er", "main")]
    for repo, ref in stamps:
        done = make_badges(tree, f"REPO={repo}", f"REF={ref}")
        assert done.returncode == 0 and done.stdout.splitlines()[-1] == f"{repo} {ref}", done.stderr
        assert one_address(tree) == (repo, ref)
    after = lines(tree)
    # Below the title: a sentence, or the way to the book
    assert before[0].pop(2).startswith(b"*This copy has no address yet") and before[0][1] == b"\r\n"
    assert after[0].pop(2).startswith(b"**[Read it as a book](https://bob.github.io/deep.er/)**")
    for old, new in zip(before, after, strict=True):
        changed = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
        assert len(changed) == (1 if old is before[0] else 2)
        assert all(b.replace(b"bob/deep.er", UNSTAMPED.encode()) == a for a, b in changed)


def test_the_set_up_cell_is_written_into_every_notebook(tree):
    make_badges(tree, "REPO=ann/course", "REF=v1.0")
    before = lines(tree)
    _, *notebooks = badges.files(tree)
    for path in notebooks:
        notebook = json.loads(path.read_bytes())
        (setup,) = (cell for cell in notebook["cells"] if cell["id"] == "setup")
        assert setup["metadata"] == {"cellView": "form", "jupyter": {"source_hidden": True}}
        assert setup["source"][0].startswith("# @title ")
        setup |= {"source": ['REPO, REF = "bob/old", "v0"'], "metadata": {}}
        path.write_text(nbformat.writes(nbformat.from_dict(notebook)) + "\n", encoding="utf-8")
    done = make_badges(tree)
    assert done.stdout.splitlines()[-1] == "ann/course v1.0", done.stderr
    assert lines(tree) == before


def test_stamped_notebooks_have_the_right_form(tree):
    make_badges(tree, "REPO=ann/course", "REF=v1.0")
    _, *stamped = badges.files(tree)
    for path in (stamped[0], stamped[-1]):
        assert problems(nbformat.read(path, as_version=4), path.name) == []


REFUSED = [
    ["REPO=ann"],
    ["REPO=ann/a b"],
    ["REPO=https://github.com/ann/course"],
    ["REPO=github.com/ann"],
    ["REPO=ann/course.git"],
    ["REPO=ann/course", "REF=x y"],
    ["REPO=ann/course", f"REF={'a1' * 20}"],  # a commit, which git cannot clone by its number
    ["REF=v1.0"],
]


def test_badges_refuses(tree):
    before = lines(tree)
    for arguments in REFUSED:
        done = make_badges(tree, *arguments)
        assert done.returncode != 0 and "REPO must look like owner/name" in done.stderr, arguments
        assert lines(tree) == before, arguments


# Before the first cell: what Colab has, and a note of every program that is started.
COLAB = """
import sys, types
sys.modules["google.colab"] = types.ModuleType("google.colab")
started = []
def note(event, arguments):
    if event == "subprocess.Popen":
        started.append(str(arguments[1]))
sys.addaudithook(note)
"""
# After it: what came of it.
REPORT = """
import json
report = {"helpers": helpers.__file__, "started": started}
report["revision"] = Path(helpers.__file__).parents[1].joinpath("revision").read_text()
report["touched"] = sorted({"torch", "numpy", "pip"} & set(sys.modules))
print(json.dumps(report))
"""
# Instead of REPORT: all that the first two cells of every notebook and its data need is there, without a network.
EVERYTHING = """
import json
import sitecustomize  # refuses every connection
import torch, numpy
for cell in CELLS:
    exec(cell, {"__name__": "__main__"})
from helpers import data
from helpers.exercises import progress
print(json.dumps({
    "packages": {module.__name__: module.__file__ for module in (torch, numpy)},
    "folder": str(data.FOLDER),
    "samples": [len(data.load_mnist().y_train), len(data.load_grades().y_train)],
    "exercises": sorted(progress(as_dict=True)),
}))
"""


def clean_environment(**variables):
    """The environment without what git would take from it: in a hook, for instance, GIT_DIR is set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {"GIT_CONFIG_GLOBAL": os.devnull} | variables


@pytest.fixture(scope="module")
def remote(tmp_path_factory):
    """The repository at the stamped address, with two revisions: the tag v1, and main, which has gone on."""
    folder = tmp_path_factory.mktemp("remote")
    for name in ("helpers", "data"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)

    def git(*arguments):
        command = ["git", "-c", "user.name=ann", "-c", "user.email=ann@example.org", *arguments]
        subprocess.run(command, cwd=folder, env=clean_environment(), check=True)

    git("init", "-q", "-b", "main")
    git("config", "core.compression", "0")  # the images are compressed already
    for revision in ("v1", "main"):
        (folder / "revision").write_text(revision)
        git("add", ".")
        git("commit", "-q", "-m", revision)
    git("tag", "v1", "HEAD~1")
    git("repack", "-adq")  # once here, and not for each clone
    return folder


@pytest.fixture
def colab(tmp_path, remote):
    """A Colab of one's own: a new interpreter in a folder with one notebook, and git told what lies at the address."""
    folder = tmp_path / "content"
    folder.mkdir()

    def run(*, repo="ann/course", ref="v1", online=True, times=1, before=COLAB, after=REPORT, **variables):
        notebook = folder / NOTEBOOKS[1].name
        notebook.write_text(badges.stamp(NOTEBOOKS[1].read_text(encoding="utf-8"), repo, ref), encoding="utf-8")
        served = remote if online else tmp_path / "nowhere"
        environment = clean_environment(
            GIT_CONFIG_COUNT="1",
            GIT_CONFIG_KEY_0=f"url.{served.as_uri()}.insteadOf",
            GIT_CONFIG_VALUE_0="https://github.com/ann/course",
            GIT_ALLOW_PROTOCOL="file",
            MPLBACKEND="Agg",
            # -S reads no .pth file, so the installed packages are there, and the course is not, even if it is installed here.
            PYTHONPATH=os.pathsep.join([os.environ["PYTHONPATH"], *site.getsitepackages()]),
        )
        cell = code_cells(notebook)[0] + "\n"
        code = before + times * cell + after
        command = [sys.executable, "-S", "-c", code]
        return subprocess.run(command, cwd=folder, env=environment | variables, capture_output=True, text=True)

    run.folder = folder
    return run


def code_cells(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def report(result):
    """What REPORT printed; nothing else was printed, by Python or by git."""
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    return json.loads(result.stdout)


def test_the_first_cell_is_the_same_everywhere():
    assert len({code_cells(path)[0] for path in NOTEBOOKS}) == 1


def test_the_first_cell_fetches_the_course_once(colab):
    first = report(colab(times=2))
    assert Path(first["helpers"]).is_relative_to(colab.folder)
    assert first["revision"] == "v1"
    assert len(first["started"]) == 1 and "git" in first["started"][0]  # and no pip
    assert first["touched"] == []
    restarted = report(colab(online=False))
    assert restarted == first | {"started": []}


def test_the_second_cells_find_packages_helpers_and_data(colab):
    cells = [code_cells(path)[1] for path in NOTEBOOKS]
    result = colab(after=EVERYTHING.replace("CELLS", repr(cells)), COURSE_PROGRESS="off")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    installed = {name: importlib.util.find_spec(name).origin for name in ("torch", "numpy")}
    assert found["packages"] == installed
    assert Path(found["folder"]).is_relative_to(colab.folder)
    assert found["samples"] == [60000, 17]
    assert found["exercises"] == [path.name[:2] for path in NOTEBOOKS]


def test_another_revision_is_fetched_beside_the_first(colab):
    assert report(colab(ref="v1"))["revision"] == "v1"
    assert report(colab(ref="main"))["revision"] == "main"
    assert report(colab(ref="v1", online=False))["revision"] == "v1"


def test_what_the_reader_has_of_the_same_name_is_not_in_the_way(colab):
    (colab.folder / "course").mkdir()
    (colab.folder / "course" / "notes.txt").write_text("mine")
    (colab.folder / "helpers.py").write_text("x = 1")
    assert report(colab())["revision"] == "v1"
    assert (colab.folder / "course" / "notes.txt").read_text() == "mine"


# The runtime ends while git is at work: half a folder is there, and nobody is left to tidy up.
DIES = r"""
import os
from pathlib import Path
def die(event, arguments):
    if event == "subprocess.Popen":
        target = Path(str(arguments[1]).split()[-1].strip("[]'\""))
        (target / "helpers").mkdir(parents=True)
        os._exit(3)
sys.addaudithook(die)
"""


def test_an_interrupted_fetch_starts_again(colab):
    for _ in range(2):
        assert colab(before=COLAB + DIES).returncode == 3
        assert list(colab.folder.rglob("helpers"))
    assert report(colab())["revision"] == "v1"


# What stands in the way, and the parts of the one message that the reader then gets.
OBSTACLES = {
    "no address": ({"repo": UNSTAMPED, "ref": "main"}, ["make badges REPO=owner/name"]),
    "offline": ({"online": False}, ["fetch ann/course at v1", "fatal: ", "Check the network"]),
    "unknown revision": ({"ref": "v9"}, ["at v9", "Remote branch v9 not found", "this address"]),
    "no git": ({"PATH": ""}, ["Could not fetch", "git", "Check the network"]),
    "another helpers": (
        {"before": COLAB + "sys.modules['helpers'] = types.ModuleType('helpers')\n"},
        ["<module 'helpers'>", "is another package", "rename it"],
    ),
}


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_an_obstacle_is_named_once_and_harms_nothing(colab, obstacle):
    options, parts = OBSTACLES[obstacle]
    result = colab(**options)
    assert (result.returncode, result.stdout) == (1, "")
    # git itself printed nothing, and no error hangs on another one
    assert result.stderr.startswith("Traceback")
    assert re.findall(r"^Traceback|^\w*Error", result.stderr, re.M) == [
        "Traceback",
        "AssertionError",
    ]
    message = result.stderr.partition("AssertionError: ")[2]
    assert all(part in message for part in parts), message
    assert report(colab())["revision"] == "v1"


def test_elsewhere_a_notebook_without_the_course_around_it(colab):
    result = colab(before="")
    assert result.stderr.endswith("open it in the course's folder notebooks/\n")
    # no error hangs on another one (a line that begins with a space is code that Python shows)
    assert re.findall(r"^\w*Error", result.stderr, re.M) == ["ModuleNotFoundError"]


def test_elsewhere_a_kernel_of_another_python(tmp_path):
    """What to run is run by the kernel's own Python, not by that of some terminal, where all may be installed."""
    shutil.copytree(ROOT / "helpers", tmp_path / "a b/helpers", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "a b/notebooks").mkdir()
    command = [sys.executable, "-I", "-S", "-c", code_cells(NOTEBOOKS[0])[0]]
    result = subprocess.run(command, cwd=tmp_path / "a b/notebooks", capture_output=True, text=True)
    assert re.findall(r"^\w*Error", result.stderr, re.M) == ["AssertionError"]
    assert f"This kernel runs {sys.executable}, where the course is not installed." in result.stderr
    assert result.stderr.endswith(f'\n%pip install -r "{tmp_path / "a b/requirements.txt"}"\n')


def test_elsewhere_another_helpers(colab):
    stranger = colab.folder / "helpers.py"
    stranger.write_text("x = 1")
    result = colab(before="")
    assert str(stranger) in result.stderr and "is another package" in result.stderr
