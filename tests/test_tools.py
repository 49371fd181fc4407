import copy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools.run_notebooks import clean, find_notebooks
from tools.run_notebooks import main as run_notebooks


@pytest.fixture
def notebook():
    shown = {"text/plain": "bar", "application/vnd.jupyter.widget-view+json": {"model_id": "1"}}
    outputs = [
        new_output("display_data", data=shown),
        new_output("error", ename="ValueError", evalue="no", traceback=["File /home/ann/x.py", "no"]),
    ]
    cell = new_code_cell("f()", id="f", execution_count=7, outputs=outputs)
    cell.metadata.update(
        tags=["raises-exception"],
        alt="Two bars",
        execution={"iopub.status.idle": "12:00"},
        collapsed=True,
    )
    metadata = {"widgets": {"state": {}}, "language_info": {"name": "python", "version": "3.11.1"}}
    return new_notebook(cells=[new_markdown_cell("# A", id="a"), cell], metadata=metadata)


def test_clean_keeps_ids_tags_and_alternatives_and_nothing_of_the_machine(notebook):
    cleaned = clean(notebook)
    markdown, cell = cleaned.cells
    assert (markdown.id, cell.id, cell.execution_count) == ("a", "f", 7)
    assert cell.metadata == {"tags": ["raises-exception"], "alt": "Two bars"}
    assert [output.output_type for output in cell.outputs] == ["error"]  # the widget is gone
    assert cell.outputs[0].traceback == ["ValueError: no"]
    assert cleaned.metadata.language_info == {"name": "python"} and "widgets" not in cleaned.metadata
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


def test_find_notebooks_sorts_and_skips_checkpoints(tmp_path):
    for name in ("b.ipynb", "a.ipynb", ".ipynb_checkpoints/a.ipynb", "c.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.name for path in find_notebooks([tmp_path])] == ["a.ipynb", "b.ipynb"]
