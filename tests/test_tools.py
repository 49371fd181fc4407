import copy
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import badges
from tools.run_notebooks import clean, find_notebooks
from tools.run_notebooks import main as run_notebooks

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def notebook():
    shown = {"text/plain": "bar", "application/vnd.jupyter.widget-view+json": {"model_id": "1"}}
    outputs = [
        new_output("display_data", data=shown),
        new_output(
            "error", ename="ValueError", evalue="no", traceback=["File /home/ann/x.py", "no"]
        ),
    ]
    cell = new_code_cell("f()", id="f", execution_count=7, outputs=outputs)
    cell.metadata.update(
        tags=["raises-exception"], execution={"iopub.status.idle": "12:00"}, collapsed=True
    )
    metadata = {"widgets": {"state": {}}, "language_info": {"name": "python", "version": "3.11.1"}}
    return new_notebook(cells=[new_markdown_cell("# A", id="a"), cell], metadata=metadata)


def test_clean(notebook):
    cleaned = clean(notebook)
    markdown, cell = cleaned.cells
    assert (markdown.id, cell.id, cell.execution_count) == ("a", "f", 7)
    assert cell.metadata == {"tags": ["raises-exception"]}
    assert [output.output_type for output in cell.outputs] == ["error"]  # the widget is gone
    assert cell.outputs[0].traceback == ["ValueError: no"]
    assert (
        cleaned.metadata.language_info == {"name": "python"} and "widgets" not in cleaned.metadata
    )
    assert clean(copy.deepcopy(cleaned)) == cleaned


def test_run_executes_in_order_and_cleans(tmp_path):
    cells = [new_code_cell("x = 20", id="one"), new_code_cell("x + 1", id="two")]
    nbformat.write(new_notebook(cells=cells), tmp_path / "a.ipynb")
    run_notebooks([tmp_path])
    one, two = nbformat.read(tmp_path / "a.ipynb", as_version=4).cells
    assert (one.execution_count, two.execution_count, two.id) == (1, 2, "two")
    assert two.outputs[0].data["text/plain"] == "21" and "execution" not in two.metadata


def test_run_stops_at_an_error_that_was_not_announced(tmp_path):
    cell = new_code_cell("1 / 0", id="one")
    nbformat.write(new_notebook(cells=[cell]), tmp_path / "a.ipynb")
    before = (tmp_path / "a.ipynb").read_bytes()
    with pytest.raises(Exception, match="ZeroDivisionError"):
        run_notebooks([tmp_path])
    assert (tmp_path / "a.ipynb").read_bytes() == before


def test_find_notebooks(tmp_path):
    for name in ("b.ipynb", "a.ipynb", ".ipynb_checkpoints/a.ipynb", "c.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.name for path in find_notebooks([tmp_path])] == ["a.ipynb", "b.ipynb"]


def all_addresses(root):
    return [badges.addresses(path.read_text(encoding="utf-8")) for path in badges.files(root)]


def test_every_file_has_the_same_address():
    (repo, ref), *others = set().union(*all_addresses(ROOT)) - {("<owner>/<repo>", "")}
    assert not others and all(all_addresses(ROOT)), (
        "some file has another address, or none: run `make badges`"
    )
    assert repo and ref


def test_stamping_twice_leaves_one_address():
    for path in badges.files():
        text = path.read_text(encoding="utf-8")
        count = sum(len(place.findall(text)) for place in badges.PLACES)
        for repo, ref in [("ann/course", "v1.0"), ("bob.b/deep-course", "main"), ("v1/v1", "v1")]:
            text = badges.stamp(text, repo, ref)
            assert {r for r, _ in badges.addresses(text)} == {repo}
            # the README names the address only
            refs = {ref} if path.suffix == ".ipynb" else set()
            assert {r for _, r in badges.addresses(text)} - {""} == refs
            assert sum(len(place.findall(text)) for place in badges.PLACES) == count >= 1
            assert "ann/course" not in text or repo == "ann/course"


@pytest.mark.parametrize(("repo", "ref"), [("ann", "main"), ("ann/a b", "main"), ("ann/a", "x y")])
def test_badges_refuses(repo, ref):
    command = [sys.executable, ROOT / "tools" / "badges.py", "--repo", repo, "--ref", ref]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode != 0 and "owner/name" in result.stderr


@pytest.fixture
def colab(tmp_path):
    """A Colab of one's own: an empty folder, a stand-in for `google.colab`, and a remote that is a local folder."""
    remote = tmp_path / "remote"
    shutil.copytree(
        ROOT / "helpers", remote / "helpers", ignore=shutil.ignore_patterns("__pycache__")
    )
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "-C", remote]
    for command in (
        ["init", "-q", "-b", "main"],
        ["add", "."],
        ["commit", "-q", "-m", "x"],
        ["tag", "v1"],
    ):
        subprocess.run([*git, *command], check=True)
    empty = tmp_path / "content"
    empty.mkdir()
    # As in Colab, the course itself is not installed: -S below keeps site-packages off the path.
    start = "import sys, types; sys.modules['google.colab'] = types.ModuleType('google.colab')\n"

    def run(repo="ann/course", ref="v1", before=""):
        path = ROOT / "notebooks" / "01_autograd.ipynb"
        cell = nbformat.reads(
            badges.stamp(path.read_text(encoding="utf-8"), repo, ref), as_version=4
        ).cells[1]
        url = f"url.{remote.as_uri()}.insteadOf"
        env = os.environ | {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": url,
            "GIT_CONFIG_VALUE_0": "https://github.com/ann/course",
            "GIT_TERMINAL_PROMPT": "0",
        }
        code = start + before + cell.source + "\nprint(helpers.__file__)"
        command = [sys.executable, "-S", "-c", code]
        return subprocess.run(command, cwd=empty, env=env, capture_output=True, text=True)

    run.folder, run.remote = empty, remote
    return run


def test_colab_fetches_once(colab):
    first = colab()
    assert first.returncode == 0, first.stderr
    assert Path(first.stdout.strip()) == colab.folder / "course" / "helpers" / "__init__.py"
    shutil.rmtree(colab.remote)  # a second run must not need it
    second = colab()
    assert (second.returncode, second.stdout) == (0, first.stdout), second.stderr


def test_colab_without_an_address(colab):
    result = colab(repo="<owner>/<repo>", ref="main")
    assert "make badges REPO=owner/name" in result.stderr and not list(colab.folder.iterdir())


@pytest.mark.parametrize(("repo", "ref"), [("ann/course", "v9"), ("ann/course-2", "v1")])
def test_colab_cannot_fetch(colab, repo, ref):
    if repo != "ann/course":
        shutil.rmtree(colab.remote)
        repo = "ann/course"
    result = colab(repo, ref)
    assert f"Could not fetch {repo} at {ref}" in result.stderr and result.returncode != 0


def test_an_unrelated_helpers_is_named(colab):
    stranger = colab.folder / "helpers.py"
    stranger.write_text("x = 1")
    before = "sys.modules.pop('google.colab'); sys.path.insert(0, '')\n"
    result = colab(before=before)
    assert str(stranger) in result.stderr and "another package" in result.stderr


def test_a_course_that_is_not_installed(colab):
    result = colab(before="sys.modules.pop('google.colab')\n")
    assert "pip install -r requirements.txt" in result.stderr
