"""The form that every committed notebook has: head, recap, ids, clean outputs, a text for every figure."""

import base64
import copy
import io
import re
import tomllib

import nbformat
from lessons import ROOT, core
from PIL import Image

from tools import badges
from tools.run_notebooks import clean

HEAD = ["You will be able to", "**Builds on**", "**Runs**", "[Open in Colab]"]
HEAD += ["Edit → Clear Outputs of All Cells"]
RECAP = ["## Recap", "To read further", "**Next.**"]
# What pages, slides and phones show of a line of code
COLUMNS = tomllib.loads((ROOT / "notebooks" / ".ruff.toml").read_text(encoding="utf-8"))["line-length"]
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
        if max(map(len, cell.source.splitlines()), default=0) > COLUMNS:
            found.append(f"the code of cell {cell.id} has a line of more than {COLUMNS} columns")
        if MACHINE.search(cell.source):
            found.append(f"the code of cell {cell.id} holds for one machine only")
        if any("background:" not in canvas for canvas in re.findall("<canvas[^>]*", cell.source)):
            found.append(f"the ink of cell {cell.id} is black, and so may be the page behind it")
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
