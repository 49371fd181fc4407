"""The environment that make sets up, in a folder with any name: made once, and anew when it has to be."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from ipykernel.ipkernel import IPythonKernel
from lessons import NOTEBOOKS, ROOT

from tools import lab, ready

NAME = "Ann's course ü 강의"
needs_make = pytest.mark.skipif(not shutil.which("make") or sys.platform == "win32", reason="needs make and symlinks")


@pytest.fixture
def course(tmp_path):
    """What make needs to set up a course that needs no package, in a folder whose name is not plain."""
    folder = tmp_path / NAME
    shutil.copytree(ROOT / "tools", folder / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "requirements.txt").write_text("# nothing\n")
    return folder


def make(folder, **variables):
    """`make lab`, as far as an environment without JupyterLab goes: what it says. Each of its lines is one sentence."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "PYTHONPATH"))}
    command = ["make", "--no-print-directory", "lab", f"PYTHON={shlex.quote(sys.executable)}"]
    done = subprocess.run(command, cwd=folder, env=env | {"LC_ALL": "C"} | variables, capture_output=True, text=True)
    assert done.returncode != 0 and "Traceback" not in done.stderr
    return done.stdout + done.stderr


@needs_make
def test_an_environment_is_made_once_and_anew_when_it_has_to_be(course):
    said = make(course)
    # The Python in it starts, in this folder, and has what was installed. (Nothing was: lab says so, and what helps.)
    assert "JupyterLab is not installed" in said and f'-m pip install -r "{course / "requirements.txt"}"' in said
    stamp = course / ".venv/ready"
    made = stamp.stat().st_mtime_ns

    os.utime(course / "requirements.txt")
    assert "JupyterLab is not installed" in make(course)
    moved = course.rename(course.with_name('ö "moved" 2'))
    assert f'-r "{moved / "requirements.txt"}"' in make(moved)
    stamp = moved / ".venv/ready"
    assert stamp.stat().st_mtime_ns == made

    # Other requirements, and no network
    (moved / "requirements.txt").write_text("a-package-that-is-not-here\n")
    offline = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": ""}
    assert "Check the network, then try again." in make(moved, **offline)
    assert not stamp.exists()
    (moved / "requirements.txt").write_text("# nothing, again\n")
    assert "JupyterLab is not installed" in make(moved) and stamp.exists()


def test_npm_is_asked_when_its_packages_are_others_and_its_absence_is_told(tmp_path):
    """The packages that the pages of the book carry along: exact versions, and no address to fetch them from."""
    for name in ("tools/node_modules.py", "book/package.json", "book/package-lock.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    lock = tmp_path / "book" / "package-lock.json"
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    wanted = json.loads((ROOT / "book" / "package.json").read_text(encoding="utf-8"))["dependencies"]
    installed = {name.rpartition("node_modules/")[2]: package for name, package in packages.items() if name}
    assert {name: installed[name]["version"] for name in wanted} == wanted
    assert all("integrity" in package and "resolved" not in package for package in installed.values())

    def fetch():
        command = [sys.executable, tmp_path / "tools/node_modules.py"]
        done = subprocess.run(command, env=os.environ | {"PATH": ""}, capture_output=True, text=True)
        return done.returncode, done.stderr

    code, said = fetch()
    assert code != 0 and "Install Node" in said and "Traceback" not in said
    stamp = tmp_path / "book" / "node_modules" / "ready"
    stamp.parent.mkdir()
    shutil.copy(lock, stamp)
    assert fetch() == (0, "")
    lock.write_text(lock.read_text(encoding="utf-8").replace("5.2.1", "5.2.2"), encoding="utf-8")
    assert "Install Node" in fetch()[1]


def test_a_python_that_was_removed_has_no_version(tmp_path):
    (tmp_path / "python").symlink_to("/nowhere/python3")
    assert ready.version(tmp_path / "python") == ""
    assert ready.version(sys.executable) == "{}.{}".format(*sys.version_info)


def test_a_python_that_became_another_version(tmp_path, monkeypatch):
    """/usr/bin/python3 was 3.11 when the environment was made, and is 3.13 now, and then gone."""
    (tmp_path / "requirements.txt").write_text("torch==2.13.0\n")
    python = tmp_path / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    python.parent.mkdir(parents=True)
    python.touch()
    stamp = tmp_path / ".venv/ready"
    started = []

    class Done:
        returncode = 0

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ready.subprocess, "run", lambda command: started.append(command[2:4]) or Done)
    monkeypatch.setattr(ready, "version", lambda python: now)
    for now, expected in [
        ("3.11", [["venv", Path(".venv")], ["pip", "install"]]),
        ("3.11", []),
        ("3.13", [["venv", "--clear"], ["pip", "install"]]),
        ("3.13", []),
        ("", [["venv", "--clear"], ["pip", "install"]]),
    ]:
        started.clear()
        ready.main(".venv", "requirements.txt")
        assert started == expected
        assert stamp.read_text() == f"{now}\ntorch==2.13.0\n"


def test_the_course_opens_with_its_extension_and_a_path_to_the_helpers(tmp_path, monkeypatch):
    """From a folder with any name. What is saved there has no version of Python (see test_update)."""
    folder = tmp_path / NAME
    for name in ("tools", "helpers"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "notebooks").mkdir()
    env = os.environ | {"LC_ALL": "C", "JUPYTER_RUNTIME_DIR": str(tmp_path / "run"), "PYTHONPATH": ""}
    options = ["--no-browser", "--ServerApp.port=0", "--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True"]
    with open(tmp_path / "log", "wb") as log:
        server = subprocess.Popen(
            [sys.executable, folder / "tools/lab.py", *options], cwd=tmp_path, env=env, stdout=log, stderr=log
        )
    try:
        while not (running := list(tmp_path.glob("run/jpserver-*.json"))):
            assert server.poll() is None, (tmp_path / "log").read_text(encoding="utf-8")
            time.sleep(0.1)
        url = json.loads(running[0].read_text(encoding="utf-8"))["url"]
        notebook = json.loads(NOTEBOOKS[0].read_text(encoding="utf-8"))
        notebook["metadata"]["language_info"]["version"] = "3.12.1"
        body = json.dumps({"type": "notebook", "format": "json", "content": notebook}).encode()
        urlopen(Request(f"{url}api/contents/a.ipynb", body, method="PUT")).close()
        with urlopen(f"{url}api/contents/a.ipynb") as answer:
            read = json.load(answer)["content"]["metadata"]
        with urlopen(f"{url}lab/api/settings/") as answer:
            settings = {plugin["id"]: plugin["schema"].get("properties") for plugin in json.load(answer)["settings"]}
    finally:
        server.terminate()
        server.wait()
    # What JupyterLab would write is there: it does not mark the notebook as changed.
    assert read["language_info"] == IPythonKernel.language_info
    # The first screen: a notebook, the names of the others, no window about news. A setting of another name would do nothing.
    assert "/lab/tree/00_tensors.ipynb" in (tmp_path / "log").read_text(encoding="utf-8")
    ours = json.loads((ROOT / "tools/jupyter/labconfig/default_setting_overrides.json").read_text(encoding="utf-8"))
    assert ours["@jupyterlab/apputils-extension:notification"] == {"fetchNews": "false"}
    for plugin, values in ours.items():
        assert values == {name: settings[plugin][name]["default"] for name in values}
        assert all("title" in settings[plugin][name] for name in values), "JupyterLab knows no such setting"
    assert (folder / "notebooks/a.ipynb").read_bytes() == NOTEBOOKS[0].read_bytes()


def test_a_notebook_of_the_readers_own_finds_the_helpers(monkeypatch):
    """It has no set-up cell. Its kernel starts with the environment of the server."""
    started = []
    monkeypatch.setattr("jupyterlab.labapp.main", started.append)
    monkeypatch.setattr(sys, "path", ["tools", *sys.path])
    monkeypatch.setenv("PYTHONPATH", "mine")
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "")
    lab.main(["--no-browser"])
    assert started[0][-2:] == ["--no-browser", str(ROOT / "notebooks")]
    assert os.environ["PYTHONPATH"].split(os.pathsep) == [str(ROOT), "mine"]


def test_the_first_notebook_is_opened_once_and_then_what_was_open_last(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr("jupyterlab.labapp.main", started.append)
    monkeypatch.setattr(sys, "path", ["tools", *sys.path])
    monkeypatch.setattr(lab, "LAYOUT", tmp_path / "layout")
    for name in ("PYTHONPATH", "JUPYTER_CONFIG_PATH"):
        monkeypatch.setenv(name, "")
    lab.main([])
    lab.LAYOUT.mkdir()  # JupyterLab does, when something is open
    lab.main([])
    monkeypatch.setattr(os, "access", lambda *_: False)  # a folder that nobody may write into
    lab.main([])
    first, layout = "--LabApp.default_url=/lab/tree/00_tensors.ipynb", f"--LabApp.workspaces_dir={lab.LAYOUT}"
    assert [(first in options, layout in options) for options in started] == [
        (True, True),
        (False, True),
        (False, False),
    ]
    assert (ROOT / "notebooks/00_tensors.ipynb").is_file()


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_line_ends_are_the_same_on_every_system(tmp_path):
    """A shell stops at the first line of .ci/run that ends as lines do on Windows."""
    for name in (".gitattributes", ".ci/run", "Makefile", "data/.gitattributes", "data/grades.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def git(*arguments):
        settings = ["-c", "core.autocrlf=true", "-c", "user.name=ann", "-c", "user.email=ann@example.org"]
        subprocess.run(["git", *settings, *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "the course")
    for path in before:
        path.unlink()
    git("checkout", "-q", ".")
    assert {path: path.read_bytes() for path in before} == before
