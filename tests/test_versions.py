"""The versions that the course promises are the versions that it is tested with."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parent.parent


def pins(path):
    """The versions in a file of requirements, by name."""
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def lower_bounds():
    bounds = dict(line.split(">=") for line in project()["dependencies"])
    del bounds["torch"]  # the outputs are compared with those of one version
    return bounds


def test_make_oldest_tests_every_lower_bound():
    oldest = pins("tests/oldest.txt")
    assert {name: oldest.get(name) for name in lower_bounds()} == lower_bounds()


def test_make_oldest_tests_with_the_same_torch_and_the_same_tools():
    latest, oldest = pins("requirements.txt"), pins("tests/oldest.txt")
    differ = {name for name in oldest if oldest[name] != latest[name]}
    assert differ <= {*lower_bounds(), "ipython", "ipykernel"}


def test_make_newest_leaves_open_what_a_reader_gets():
    """And nothing else: where it breaks, the break is one that a reader would meet."""
    latest, newest = pins("requirements.txt"), pins("tests/newest.txt")
    open_ = {*lower_bounds(), "jupyterlab", "ipython", "ipykernel", "jsonschema"}
    assert newest == {name: latest[name] for name in latest.keys() - open_}
    assert open_ <= set((ROOT / "tests/newest.txt").read_text(encoding="utf-8").splitlines())


def test_the_exact_versions_are_within_the_ranges():
    """What pip would say of an installed package; the course is not installed as one."""
    latest = pins("requirements.txt")
    for dependency in map(Requirement, project()["dependencies"]):
        assert latest[dependency.name] in dependency.specifier


@pytest.mark.parametrize("path", ["requirements.txt", "tests/oldest.txt", "tests/newest.txt"])
def test_to_install_the_requirements_is_to_fetch_and_to_build_nothing_more(path):
    """No folder, and no address: installed once, it is all there, in whatever folder and without a network."""
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if line and not line.startswith(("#", "--only-binary="))]
    assert [line for line in lines if not re.fullmatch(r"[\w-]+(==[\d.]+)?", line)] == []


def test_the_workflow_runs_every_python_that_the_course_promises():
    workflow = (ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8")
    promised = SpecifierSet(project()["requires-python"])
    assert set(re.findall(r'"(3\.\d+)"', workflow)) == {f"3.{minor}" for minor in range(99) if f"3.{minor}" in promised}
