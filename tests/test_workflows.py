"""The workflows cannot run here: `make lint` reads them, and what they call is called."""

import itertools
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from lessons import ROOT
from ruamel.yaml import YAML

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
