"""The form of the committed notebooks. What their cells compute is compared by nbval (`make nbval`)."""

import base64
import copy
import io
import re
import subprocess
import sys

import nbformat
import pytest
from lessons import NOTEBOOKS, ROOT, core
from PIL import Image, PngImagePlugin

from tools import badges
from tools.run_notebooks import clean

HEAD = ["You will be able to", "**Builds on**", "**Runs**", "[Open in Colab]"]
HEAD += ["Edit → Clear Outputs of All Cells"]
RECAP = ["## Recap", "To read further", "**Next.**"]
# Outputs that run nothing in a browser, and fetch nothing
HARMLESS = {"text/plain", "image/png"}
# An absolute path of any system, a home folder, a user at a host
MACHINE = re.compile(r"(?<![\w./])(/[\w.+-]+){2,}|file:/|~/\w|\b[A-Z]:[\\/]+\w|\\\\\w+\\|site-packages|\w@\w+[.:-]")
# HTML that runs a script, or fetches something, as soon as the text is shown
ACTIVE = re.compile(
    r"<(script|iframe|object|embed|applet|link|meta|base|form|style|svg|img|video|audio)\b"
    r"|<\w[^>]*\son\w+\s*=|javascript:|data:text/html|!\[[^\]]*\](\((https?:)?//|\[)",
    re.IGNORECASE,
)


def problems(notebook, name):
    """What is wrong with the form of a notebook, as a list of sentences."""
    found = []
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    if len({cell.id for cell in notebook.cells}) < len(notebook.cells):
        found.append("two cells have the same id")
    if clean(copy.deepcopy(notebook)) != notebook:
        found.append("not clean: run `make run`")
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        found.append("not executed from top to bottom in one go: run `make run`")
    if not code or code[0].id != "setup" or code[0] != setup_cell(notebook):
        found.append("the first code cell is not the set-up cell that all notebooks share")
    for part in HEAD:
        if part not in notebook.cells[0].source:
            found.append(f"the head lacks {part!r}")
    for part in RECAP:
        if part not in core(notebook)[-1].source:
            found.append(f"the recap lacks {part!r}")
    if f"/notebooks/{name})" not in notebook.cells[0].source:
        found.append("the Colab link does not lead to this notebook")
    for link in re.findall(r"\]\((?!https?://)([^)#]+)", text):
        if not (ROOT / "notebooks" / link).exists():
            found.append(f"the link to {link} leads nowhere")
    for i, cell in enumerate(code):
        tags = cell.metadata.get("tags", [])
        failed = any(output.output_type == "error" for output in cell.outputs)
        if failed and "raises-exception" not in tags:
            found.append(f"cell {cell.id} holds an error")
        if "raises-exception" in tags and not failed:
            found.append(f"cell {cell.id} is tagged raises-exception, but did not raise")
        near = cell.source + "".join(c.source for c in code[i + 1 : i + 2])
        if "nbval-ignore-output" in tags and "assert" not in near:
            found.append(f"cell {cell.id} is not compared, and no assertion is near")
        if {"nbval-skip", "skip-execution"} & set(tags):
            found.append(f"cell {cell.id} is never executed")
        for output in cell.outputs:
            data = output.get("data", {})
            if not set(data) <= HARMLESS:
                found.append(f"an output of cell {cell.id} is more than text and pictures")
            if MACHINE.search(words(output)):
                found.append(f"an output of cell {cell.id} names the machine it was made on")
            if "image/png" in data and not notes_in(data["image/png"]) <= {"Software", "dpi"}:
                found.append(f"a picture of cell {cell.id} carries more than the picture")
            if output.get("metadata"):
                found.append(f"an output of cell {cell.id} has metadata")
        if MACHINE.search(cell.source):
            found.append(f"the code of cell {cell.id} holds for one machine only")
    alternatives = [cell.metadata["alt"] for cell in code if "alt" in cell.metadata]
    for cell in code:
        figures = sum("image/png" in output.get("data", {}) for output in cell.outputs)
        alternative = cell.metadata.get("alt", "")
        if figures > 1:
            found.append(f"cell {cell.id} draws {figures} figures, but it can describe only one")
        if figures and len(alternative) < 50:
            found.append(f"the figure of cell {cell.id} has no text that says what it shows")
        if alternative and not figures:
            found.append(f"cell {cell.id} describes a figure that is not there")
        if alternatives.count(alternative) > 1:
            found.append(f"the figure of cell {cell.id} has the same text as another one")
    for cell in notebook.cells:
        if set(cell.metadata) - {"tags", "alt"} and cell.id != "setup":
            found.append(f"cell {cell.id} has more metadata than tags and the text of a figure")
        if cell.cell_type != "code" and ACTIVE.search(cell.source):
            found.append(f"cell {cell.id} runs or fetches something as soon as it is shown")
    if set(notebook.metadata) - {"kernelspec", "language_info"}:
        found.append("the notebook has more metadata than its kernel and language")
    return found


def words(output):
    """All the text of an output."""
    parts = [output.get("text", ""), output.get("data", {}).get("text/plain", "")]
    return "\n".join([*parts, output.get("evalue", ""), *output.get("traceback", [])])


def notes_in(picture):
    """The names of what a PNG carries besides its pixels."""
    return set(Image.open(io.BytesIO(base64.b64decode(picture))).info)


def setup_cell(notebook):
    """The set-up cell as `make badges` writes it into a notebook."""
    text = nbformat.writes(notebook)
    new = badges.stamp(badges.with_setup_cell(text), *badges.addresses(text)[0])
    return next(cell for cell in nbformat.reads(new, as_version=4).cells if cell.id == "setup")


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


def test_form(path):
    assert problems(nbformat.read(path, as_version=4), path.name) == []


def error(text="no"):
    return nbformat.v4.new_output("error", ename="ValueError", evalue=text, traceback=[f"ValueError: {text}"])


def stream(text):
    return nbformat.v4.new_output("stream", text=text)


def shown(kind, content):
    return nbformat.v4.new_output("display_data", data={kind: content})


def picture(**notes):
    file, info = io.BytesIO(), PngImagePlugin.PngInfo()
    for name, text in notes.items():
        info.add_text(name, text)
    Image.new("RGB", (1, 1)).save(file, "PNG", pnginfo=info)
    return shown("image/png", base64.b64encode(file.getvalue()).decode())


def drawn(code):
    return next(cell for cell in code if "alt" in cell.metadata)


# How a notebook can be wrong, and the sentence that must say so. `code[3]` is a cell like any other.
FAULTS = {
    "not clean": lambda nb, code: nb.metadata.update(widgets={}),
    "not clean: ": lambda nb, code: code[3].metadata.update(execution={"iopub.execute_input": "12:00"}),
    "one go": lambda nb, code: code[3].update(execution_count=None),
    "one go: ": lambda nb, code: code[3].update(execution_count=99),
    "the same id": lambda nb, code: nb.cells[2].update(id=nb.cells[3].id),
    "set-up cell": lambda nb, code: code[0].update(source="import torch"),
    "set-up cell ": lambda nb, code: code[0].update(metadata={}),
    "the head lacks": lambda nb, code: nb.cells[0].update(source="# A title"),
    "the recap lacks": lambda nb, code: core(nb)[-1].update(source="The end"),
    "Colab link": lambda nb, code: nb.cells[0].update(source=nb.cells[0].source.replace("/0", "/9")),
    "leads nowhere": lambda nb, code: nb.cells[2].update(cell_type="markdown", source="[a](b.ipynb)"),
    "holds an error": lambda nb, code: code[3].update(outputs=[error()]),
    "did not raise": lambda nb, code: code[3].metadata.update(tags=["raises-exception"]),
    "no assertion is near": lambda nb, code: code[2].metadata.update(tags=["nbval-ignore-output"]),
    "never executed": lambda nb, code: code[3].metadata.update(tags=["nbval-skip"]),
    "text and pictures": lambda nb, code: code[3].update(outputs=[shown("text/html", "<b>1</b>")]),
    "text and pictures: ": lambda nb, code: code[3].update(outputs=[shown("image/svg+xml", "<svg>")]),
    "runs or fetches": lambda nb, code: nb.cells[2].update(
        cell_type="markdown", source="![a](https://example.org/a.png)"
    ),
    "names the machine": lambda nb, code: code[3].update(outputs=[stream("/home/ann/course")]),
    "names the machine: ": lambda nb, code: code[3].update(outputs=[error("no /srv/ann")]),
    "one machine only": lambda nb, code: code[3].update(source="open('/home/ann/x.csv')"),
    "carries more": lambda nb, code: code[3].update(outputs=[picture(Author="Ann")]),
    "has metadata": lambda nb, code: code[3].outputs[0].update(metadata={"by": "ann"}),
    "draws 2 figures": lambda nb, code: drawn(code).update(outputs=drawn(code).outputs * 2),
    "no text that says": lambda nb, code: drawn(code).metadata.pop("alt"),
    "no text that says ": lambda nb, code: drawn(code).metadata.update(alt="A figure."),
    "is not there": lambda nb, code: drawn(code).update(outputs=[]),
    "the same text": lambda nb, code: drawn(code[::-1]).metadata.update(drawn(code).metadata),
    "metadata than tags": lambda nb, code: nb.cells[2].metadata.update(author="ann"),
    "metadata than its kernel": lambda nb, code: nb.metadata.update(authors=[{"name": "Ann"}]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_form_is_found(fault):
    path = ROOT / "notebooks" / "01_autograd.ipynb"
    notebook = nbformat.read(path, as_version=4)
    FAULTS[fault](notebook, [cell for cell in notebook.cells if cell.cell_type == "code"])
    assert any(fault.strip(": ") in problem for problem in problems(notebook, path.name))


@pytest.mark.parametrize(
    "text",
    [
        "/home/ann/course",
        "FileNotFoundError: '/Users/ann/data'",
        "/var/folders/1.py:3: UserWarning",
        "path=/mnt/data/x",
        "file:///data",
        "~/course",
        r"C:\Users\ann",
        "D:/course/data",
        r"\\server\share",
        "lib/site-packages/torch",
        "ann@lab.example.org",
        "ann@lab:~$",
    ],
)
def test_a_text_that_names_a_machine_is_found(text):
    assert MACHINE.search(text)


@pytest.mark.parametrize("text", ["https://example.org/a/b", "1/2/3", "and/or/not", "X @ w", "X@w", r"loss:\n", "a: /"])
def test_a_text_that_names_no_machine_is_left_alone(text):
    assert not MACHINE.search(text)


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "<IFRAME src='a.html'></IFRAME>",
        "<b class='c' onclick = 'alert(1)'>bold</b>",
        "[a](javascript:alert(1))",
        "<style>@import 'https://example.org/a.css'</style>",
        "![a picture](https://example.org/a.png)",
        "[![Open in Colab](https://example.org/badge.svg)](https://example.org)",
        "![a picture](//example.org/a.png)",
        "![a picture][far]\n\n[far]: https://example.org/a.png",
        "<img src='https://example.org/a.png'>",
    ],
)
def test_a_text_that_runs_or_fetches_something_is_found(source):
    assert ACTIVE.search(source)


@pytest.mark.parametrize(
    "source",
    [
        "<details><summary>More</summary>Here</details>",
        "![a picture](../.github/graph.png)",
        "[a link](https://example.org)",
        "$a < b$, and once again `a, one = 1, 1`",
    ],
)
def test_a_text_that_does_nothing_is_left_alone(source):
    assert not ACTIVE.search(source)


def test_the_numbers_of_the_notebooks_are_in_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [path.name for path in NOTEBOOKS if f"(notebooks/{path.name})" not in readme]
    assert not missing
    linked = re.findall(r"\]\((?!https?://)([^)#]+)", readme)
    assert [link for link in linked if not (ROOT / link).exists()] == []


def test_nbval_compares_outputs(tmp_path):
    """A cell whose stored output is off by one digit, or missing, fails; the right one passes."""
    cells = [
        nbformat.v4.new_code_cell('print(f"{1 + 1:.4f}")', execution_count=1, outputs=[stream(f"{stored}\n")])
        for stored in ("2.0000", "2.0001", "2.0000")
    ]
    cells[2].outputs = []
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "small.ipynb")
    options = ["--nbval", "--nbval-current-env", "-p", "no:cacheprovider", "-rA"]
    rules = ["--nbval-sanitize-with", ROOT / "tests" / "nbval_sanitize.cfg"]
    command = [sys.executable, "-m", "pytest", *options, *rules, "small.ipynb"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    verdicts = re.findall(r"^(PASSED|FAILED) .*::Cell (\d)", result.stdout, re.M)
    assert sorted(verdicts, key=lambda v: v[1]) == [("PASSED", "0"), ("FAILED", "1"), ("FAILED", "2")], result.stdout
