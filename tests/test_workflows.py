"""The workflows cannot run here: `make lint` reads them, and what they call is called."""

import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from lessons import ROOT
from ruamel.yaml import YAML

from tools import badges

NOTEBOOK = "notebooks/01_autograd.ipynb"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def read_workflow(path):
    return YAML(typ="safe").load(path)


def make(*arguments, cwd=ROOT):
    """`make` with the environment of the tests, which is ready, and without what an outer make was told."""
    python = shlex.quote(Path(sys.executable).parent.as_posix())
    command = ["make", "-f", ROOT / "Makefile", "-o", ".venv/ready", f"BIN={python}"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run([*command, *arguments], cwd=cwd, env=env, capture_output=True, text=True)


def combinations(matrix):
    """The settings with which a job runs: each of the lists with each, and the rows of `include`."""
    lists = {name: values for name, values in matrix.items() if name != "include"}
    for values in itertools.product(*lists.values()) if lists else ():
        yield dict(zip(lists, values, strict=True))
    yield from matrix.get("include", [])


def commands(workflow):
    """All that the jobs of a workflow run, with the values of their matrix in place."""
    for job in workflow["jobs"].values():
        for setting in combinations(job.get("strategy", {}).get("matrix", {})) if "strategy" in job else [{}]:
            for step in job["steps"]:
                if "run" in step:
                    yield re.sub(r"\$\{\{ matrix\.(\w+) \}\}", lambda match, s=setting: s[match[1]], step["run"])


@pytest.mark.parametrize("command", sorted({c for path in WORKFLOWS for c in commands(read_workflow(path))}))
def test_what_a_workflow_calls_is_there(command):
    """Each call is one of make, which finds all that is to be made; nothing is executed."""
    program, *arguments = shlex.split(command)
    assert program == "make"
    done = make("--dry-run", *arguments)
    assert done.returncode == 0 and done.stdout, done.stderr


# A copy of the course stamps itself.


def git(folder, *arguments):
    identity = "-c", "user.name=Ann", "-c", "user.email=ann@example.org"
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def copy(tmp_path):
    """A clone of a copy of the course, with one of its notebooks; its origin is a folder."""
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "origin")
    git(tmp_path, "clone", "-q", "origin", "copy")
    copy = tmp_path / "copy"
    for name in (
        ".gitignore",
        "README.md",
        "Makefile",
        "tools/badges.py",
        "tools/stamp.py",
        "tools/setup_cell.py",
        NOTEBOOK,
    ):
        (copy / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    (copy / "notes.txt").write_text("of the teacher's own", encoding="utf-8")
    git(copy, "checkout", "-q", "-b", "main")
    git(copy, "add", ".")
    git(copy, "commit", "-q", "-m", "The course")
    git(copy, "push", "-q", "origin", "main")
    (copy / "notes.txt").write_text("of the teacher's own, not done", encoding="utf-8")
    return copy


def stamp(copy, repo):
    """What `make stamp` says, and the commits and files that it has brought to the origin."""
    before = git(copy, "ls-remote", "origin", "main").split()[0]
    done = make("stamp", f"REPO={repo}", cwd=copy)
    assert done.returncode == 0, done.stderr
    assert not [line for line in git(copy, "status", "--porcelain").splitlines() if "notes" not in line]
    after = git(copy, "ls-remote", "origin", "main").split()[0]
    files = git(copy, "diff", "--name-only", before, after).split()
    return done.stdout, int(git(copy, "rev-list", "--count", f"{before}..{after}")), files


def test_a_copy_and_a_fork_stamp_themselves_once(copy):
    for repo in ("ann/course", "Bob/deeper"):
        said, commits, files = stamp(copy, repo)
        assert (commits, files) == (1, ["README.md", NOTEBOOK])
        text = (copy / NOTEBOOK).read_text(encoding="utf-8")
        assert set(badges.addresses(text)) == {(repo, "main")}
        assert f"({badges.site(repo)})" in (copy / "README.md").read_text(encoding="utf-8").splitlines()[2]
        said, commits, files = stamp(copy, repo)
        assert "already" in said and commits == 0
    # Somebody stamped it for a tag, and GitHub knows the owner as bob, too.
    make("badges", "REPO=bob/deeper", "REF=v1.0", cwd=copy)
    git(copy, "commit", "-q", "-m", "For a tag", "README.md", NOTEBOOK)
    git(copy, "push", "-q", "origin", "main")
    assert stamp(copy, "Bob/deeper")[1] == 0
    assert ("bob/deeper", "v1.0") in badges.addresses((copy / NOTEBOOK).read_text(encoding="utf-8"))


def test_a_copy_that_may_not_be_pushed_to_is_told(copy):
    refuse = copy.parent / "origin" / "hooks" / "pre-receive"
    refuse.write_text("#!/bin/sh\necho the branch is protected\nexit 1\n", encoding="utf-8")
    refuse.chmod(0o755)
    done = make("stamp", "REPO=ann/course", cwd=copy)
    assert done.returncode != 0 and "the branch is protected" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_book_lies_where_github_puts_it():
    assert badges.site("Ann/course") == "https://ann.github.io/course/"
    assert badges.site("ann/ann.github.io") == "https://ann.github.io/"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_each_event_starts_a_job(path):
    workflow = read_workflow(path)
    for job in workflow["jobs"].values():
        asked = set(re.findall(r"event_name == '(\w+)'", job.get("if", ""))) or set(workflow["on"])
        assert asked <= set(workflow["on"])
    jobs = [job.get("if") for job in workflow["jobs"].values()]
    assert None in jobs or all(any(f"'{event}'" in asked for asked in jobs) for event in workflow["on"])


# How a workflow can be wrong, and what `make lint` says.
FAULTS = {
    "unpinned-uses": lambda text: re.sub(r"checkout@\w+", "checkout@v7", text),
    "artipacked": lambda text: re.sub(r" +with:\n +persist-credentials: false\n", "", text),
    "template-injection": lambda text: text.replace("run: make test\n", "run: echo ${{ github.head_ref }}\n"),
    "excessive-permissions": lambda text: text.replace("contents: read", "contents: write"),
}


def lint(folder, *texts):
    """What `make lint` says of workflows, in a folder without anything else; None where it is content."""
    place = folder / ".github" / "workflows"
    place.mkdir(parents=True)
    for number, text in enumerate(texts):
        (place / f"{number}.yml").write_text(text, encoding="utf-8")
    done = make("lint", cwd=folder)
    return done.stdout + done.stderr if done.returncode else None


def test_lint_finds_what_is_wrong_with_a_workflow(tmp_path):
    right = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    assert lint(tmp_path / "right", right) is None
    said = lint(tmp_path / "careless", *(fault(right) for fault in FAULTS.values()))
    for number, name in enumerate(FAULTS):
        assert re.search(rf"\[{name}\].*\n.*{number}\.yml", said), name
    assert "run-on" in lint(tmp_path / "misspelt", right.replace("runs-on", "run-on"))
