"""The versions that the course promises are the versions that it is tested with."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def pins(path):
    """The versions in a file of requirements, by name."""
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def lower_bounds():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bounds = dict(line.split(">=") for line in project["dependencies"])
    del bounds["torch"]  # the outputs are compared with those of one version
    return bounds


def test_make_oldest_tests_every_lower_bound():
    oldest = pins("tests/oldest.txt")
    assert {name: oldest.get(name) for name in lower_bounds()} == lower_bounds()


def test_make_oldest_tests_with_the_same_torch_and_the_same_tools():
    latest, oldest = pins("requirements.txt"), pins("tests/oldest.txt")
    differ = {name for name in oldest if oldest[name] != latest[name]}
    assert differ <= {*lower_bounds(), "ipython", "ipykernel"}
