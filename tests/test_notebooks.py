"""The form of the committed notebooks. What their cells compute is compared by nbval (`make nbval`)."""

import base64
import io
import os
import re
import subprocess
import sys

import matplotlib
import nbformat
import pytest
from form import ACTIVE, MACHINE, problems
from lessons import NOTEBOOKS, ROOT, core
from PIL import Image, PngImagePlugin


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


def test_a_notebook_has_the_form(path):
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
FAULTS = [
    ("not clean", lambda nb, code: nb.metadata.update(widgets={})),
    ("not clean", lambda nb, code: code[3].metadata.update(execution={"iopub.execute_input": "12:00"})),
    ("one go", lambda nb, code: code[3].update(execution_count=None)),
    ("one go", lambda nb, code: code[3].update(execution_count=99)),
    ("the same id", lambda nb, code: nb.cells[2].update(id=nb.cells[3].id)),
    ("set-up cell", lambda nb, code: code[0].update(source="import torch")),
    ("set-up cell", lambda nb, code: code[0].update(metadata={})),
    ("the head lacks", lambda nb, code: nb.cells[0].update(source="# A title")),
    ("the recap lacks", lambda nb, code: core(nb)[-1].update(source="The end")),
    ("Colab link", lambda nb, code: nb.cells[0].update(source=nb.cells[0].source.replace("/0", "/9"))),
    ("leads nowhere", lambda nb, code: nb.cells[2].update(cell_type="markdown", source="[a](b.ipynb)")),
    ("holds an error", lambda nb, code: code[3].update(outputs=[error()])),
    ("did not raise", lambda nb, code: code[3].metadata.update(tags=["raises-exception"])),
    ("no assertion is near", lambda nb, code: code[2].metadata.update(tags=["nbval-ignore-output"])),
    ("never executed", lambda nb, code: code[3].metadata.update(tags=["nbval-skip"])),
    ("text and pictures", lambda nb, code: code[3].update(outputs=[shown("text/html", "<b>1</b>")])),
    ("text and pictures", lambda nb, code: code[3].update(outputs=[shown("image/svg+xml", "<svg>")])),
    (
        "runs or fetches",
        lambda nb, code: nb.cells[2].update(cell_type="markdown", source="![a](https://example.org/a.png)"),
    ),
    ("names the machine", lambda nb, code: code[3].update(outputs=[stream("/home/ann/course")])),
    ("names the machine", lambda nb, code: code[3].update(outputs=[error("no /srv/ann")])),
    ("one machine only", lambda nb, code: code[3].update(source="open('/home/ann/x.csv')")),
    ("more than 88 columns", lambda nb, code: code[3].update(source="1  # " + 84 * "x")),
    ("may be the page behind", lambda nb, code: code[3].update(source="pad = '<canvas></canvas>'")),
    ("carries more", lambda nb, code: code[3].update(outputs=[picture(Author="Ann")])),
    ("has metadata", lambda nb, code: code[3].outputs[0].update(metadata={"by": "ann"})),
    ("draws 2 figures", lambda nb, code: drawn(code).update(outputs=drawn(code).outputs * 2)),
    ("no text that says", lambda nb, code: drawn(code).metadata.pop("alt")),
    ("no text that says", lambda nb, code: drawn(code).metadata.update(alt="A figure.")),
    ("is not there", lambda nb, code: drawn(code).update(outputs=[])),
    ("the same text", lambda nb, code: drawn(code[::-1]).metadata.update(drawn(code).metadata)),
    ("metadata than tags", lambda nb, code: nb.cells[2].metadata.update(author="ann")),
    ("metadata than its kernel", lambda nb, code: nb.metadata.update(authors=[{"name": "Ann"}])),
]


@pytest.mark.parametrize(("sentence", "fault"), FAULTS)
def test_a_fault_in_the_form_is_found(sentence, fault):
    path = ROOT / "notebooks" / "01_autograd.ipynb"
    notebook = nbformat.read(path, as_version=4)
    fault(notebook, [cell for cell in notebook.cells if cell.cell_type == "code"])
    assert any(sentence in problem for problem in problems(notebook, path.name))


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


FIGURE = """import io
from IPython.display import Image
from matplotlib.figure import Figure
figure = Figure(figsize=(6, 4), dpi=100)
axes = figure.subplots()
axes.plot([0, 1, 2], [0, 1, 4], color="tab:blue")
axes.plot([0, 1, 2], [0, 2, 3], color="tab:orange")
axes.set_xlabel("epoch")
buffer = io.BytesIO()
figure.savefig(buffer, format="png")
Image(buffer.getvalue())"""
# What somebody may break in a helper or a cell, and how the figure is drawn then
BROKEN = {
    "nothing": ("", ""),
    "a label": ('axes.set_xlabel("epoch")\n', ""),
    "a colour": ("tab:blue", "tab:red"),
    "a curve": ('axes.plot([0, 1, 2], [0, 2, 3], color="tab:orange")\n', ""),
    "the size": ("(6, 4)", "(6, 3)"),
    "the figure": ("Image(buffer.getvalue())", '""'),
    # another version, whose letters differ: the figure is left alone
    "the version": ('format="png"', 'format="png", facecolor="black", metadata={"Software": "Matplotlib version0"}'),
}


def cell_with_figure(what, *tags):
    """A cell that draws, with a part broken, and the whole figure stored."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # other tests have set a style
        exec(FIGURE, namespace := {})
    picture = base64.b64encode(namespace["buffer"].getvalue()).decode()
    data = {"image/png": picture, "text/plain": "<IPython.core.display.Image object>"}
    stored = nbformat.v4.new_output("execute_result", data, execution_count=1)
    source = FIGURE.replace(*BROKEN[what])
    return nbformat.v4.new_code_cell(source, execution_count=1, outputs=[stored], metadata={"tags": list(tags)})


def run_nbval(folder, cells, *options):
    """The exit status, what is printed, and the verdict of each cell of a small notebook."""
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "small.ipynb")
    rules = ["--nbval-sanitize-with", ROOT / "tests" / "nbval_sanitize.cfg", "-c", ROOT / "pyproject.toml"]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-rA",
        "-p",
        "no:cacheprovider",
        "-p",
        "stricter",
        "-p",
        "warm",
        "--nbval",
    ]
    plugins = os.pathsep.join([str(ROOT / "tests" / "nbval_plugins"), os.environ["PYTHONPATH"]])
    result = subprocess.run(
        [*command, "--nbval-current-env", *rules, *options, "small.ipynb"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": plugins},
        capture_output=True,
        text=True,
    )
    verdicts = re.findall(r"^(PASSED|FAILED|XPASS|XFAIL) .*::Cell (\d+)", result.stdout, re.M)
    return result.returncode, result.stdout, {int(number): verdict for verdict, number in verdicts}


def test_nbval_finds_another_digit_a_missing_output_another_figure_and_a_cell_that_takes_too_long(tmp_path):
    cells = [
        nbformat.v4.new_code_cell('print(f"{1 + 1:.4f}")', execution_count=1, outputs=[stream(f"{stored}\n")])
        for stored in ("2.0000", "2.0001", "2.0000")
    ]
    cells[2].outputs = []
    cells += [cell_with_figure(what) for what in BROKEN]
    cells += [cell_with_figure(what, "figure-varies") for what in ("a curve", "the size")]
    cells += [nbformat.v4.new_code_cell("torch.zeros", execution_count=1)]  # whose import is forgotten
    # It swallows the interrupt, as `fit` does, and then shows what is stored.
    patient = "import time\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    pass"
    cells += [nbformat.v4.new_code_cell(source, execution_count=1) for source in (patient, "1;")]
    status, printed, verdicts = run_nbval(tmp_path, cells, "--nbval-cell-timeout", "6")
    right = [number for number, verdict in verdicts.items() if verdict == "PASSED"]
    assert status == 1 and len(verdicts) == len(cells), printed
    assert set(right) - {len(cells) - 1} == {0, 3, 2 + len(BROKEN), 3 + len(BROKEN)}, printed
    for cell in cells[4:7]:  # label, colour, curve
        assert f"The figure of cell {cell.id} differs" in printed
        pictures = {path.name for path in (tmp_path / ".figures" / "small" / cell.id).iterdir()}
        assert pictures == {"now.png", "stored.png", "now-failed-diff.png"}
