"""The notebooks as GitHub shows them, on a page where no script runs: nothing may be missing there."""

import base64
import functools
import io
import itertools
import re
from pathlib import Path

import jupyterlab
import matplotlib.pyplot as plt
import nbformat
import pytest
from bs4 import BeautifulSoup
from form import words
from lessons import NOTEBOOKS
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

EXPORTER = HTMLExporter(template_name="basic", exclude_input=True)
# What GitHub lets through, as far as a notebook needs it
ELEMENTS = re.compile(
    "a|blockquote|br|code|details|div|em|h[1-4]|i|img|li|ol|p|pre|span|strong|summary|table|tbody|td|th|thead|tr|ul"
)
FORMULA = re.compile(r"\$\$.+?\$\$|\$[^$]+\$", re.DOTALL)
# What stays in the text where markdown was misunderstood: a list, a table, a bold word, an HTML tag
LEFT_OVER = re.compile(r"(?m)\*\*|__|`|\]\(|\$|\\|<\w|^ *(?:[-*+] |\d+\. |#|>|\|)")
# What the fonts of LaTeX lack outside a formula: nbconvert leaves it out of a PDF without a word. They hold Latin letters,
# and, of the many signs beyond them, these two.
NOT_IN_LATEX = re.compile("[^\n -~¡-ſ−→]")
# Lines at the top level of a cell that draw a figure, or show a widget
DRAWS = re.compile(r"(?m)^(?!def |\s).*\b(?:plt\.(?:show|subplots)|(?:show|plot|draw)_\w+)\(")
SHOWS_WIDGET = re.compile(r"(?m)^display\(")
# What Python prints for a figure or a widget that is not shown itself
OBJECT = re.compile(r"<Figure|<Axes|<matplotlib|<IPython|HBox\(|VBox\(|interactive\(")


@functools.cache
def known_commands():
    """The commands of KaTeX, which knows fewer than MathJax. JupyterLab carries it, and its code spells each out."""
    scripts = (Path(jupyterlab.__file__).parent / "static").glob("*.js")
    (katex,) = (code for path in scripts if "KaTeX parse error" in (code := path.read_text(encoding="utf-8")))
    return set(re.findall(r"\\\\([a-zA-Z]+)", katex))


def problems(notebook):
    """What is missing or wrong on the page of a notebook, as a list of sentences."""
    page = BeautifulSoup(EXPORTER.from_notebook_node(notebook)[0], "html.parser")
    found = []
    for tag in page.find_all(True):
        if not ELEMENTS.fullmatch(tag.name):
            found.append(f"<{tag.name}> is not shown")
        if any(name.startswith("on") for name in tag.attrs) or "javascript:" in str(tag.attrs):
            found.append(f"<{tag.name}> runs a script")
    levels = [int(heading.name[1]) for heading in page.find_all(re.compile(r"^h\d$"))]
    if levels.count(1) != 1 or any(b > a + 1 for a, b in itertools.pairwise([0, *levels])):
        found.append(f"the headings are no hierarchy: {levels}")
    pictures = []  # those of each code cell
    parts = page.find_all("div", class_="cell", recursive=False)
    for cell, part in zip(notebook.cells, parts, strict=True):
        lost = NOT_IN_LATEX.findall("\n".join([cell.source, *map(words, cell.get("outputs", []))]))
        if lost:
            found.append(f"cell {cell.id}: a PDF lacks {''.join(lost)}, but for formulas")
        if cell.cell_type == "code":
            pictures.append(part.find_all("img"))
            if DRAWS.search(cell.source) and not pictures[-1]:
                found.append(f"cell {cell.id} draws, but there is no picture")
            if SHOWS_WIDGET.search(cell.source) and not any(pictures[-3:]):
                found.append(f"cell {cell.id} shows a widget, but no picture stands for it")
            if OBJECT.search(part.get_text()):
                found.append(f"cell {cell.id} prints an object in place of showing it")
            if any(picture["alt"] != cell.metadata.get("alt") for picture in pictures[-1]):
                found.append(f"the page does not say what the picture of cell {cell.id} shows")
            faults = [picture_fault(picture["src"]) for picture in pictures[-1]]
            found += [f"the picture of cell {cell.id} {fault}" for fault in faults if fault]
        else:
            found += [f"cell {cell.id}: {fault}" for fault in text_faults(part)]
    return found


def picture_fault(source):
    if not source.startswith("data:image/png;base64,"):
        return "is not stored in the notebook"
    pixels = plt.imread(io.BytesIO(base64.b64decode(source.partition(",")[2])))[:, :, :3]
    if pixels.min() == pixels.max():
        return "is empty"
    # Every figure has a margin. Where there is none, a label sticks out of the figure.
    if min(pixels[[0, -1]].min(), pixels[:, [0, -1]].min()) < 0.95:
        return "is cut off at an edge"


def text_faults(part):
    for tag in part.select("code, pre, a.anchor-link"):
        tag.replace_with("")
    for heading in part.find_all(re.compile(r"^h\d$")):
        heading.string = re.sub(r"^\d+\. ", "", heading.get_text())  # numbered, and no list
    text = part.get_text(" ")  # a space where an element begins or ends
    for match in FORMULA.finditer(text):
        formula = match[0].strip("$")
        around = text[: match.start()][-1:] + text[match.end() :][:1]
        if fault := formula_fault(formula, inline=not match[0].startswith("$$"), around=around):
            yield f"the formula {match[0]} {fault}"
    for match in LEFT_OVER.finditer(FORMULA.sub("", text)):
        yield f"{match[0]!r} is left over in the text"


def formula_fault(formula, *, inline, around):
    bare = re.sub(r"\\[^a-zA-Z]", "", formula)  # without escaped braces and small spaces
    names = re.findall(r"\\([a-zA-Z]+)", bare)
    if unknown := [name for name in names if name not in known_commands()]:
        return f"uses the unknown commands {unknown}"
    pairs = [(bare, "{", "}"), (names, "left", "right"), (names, "begin", "end")]
    if any(where.count(start) != where.count(end) for where, start, end in pairs):
        return "is not balanced"
    if inline and (formula != formula.strip() or re.search(r"\w", around)):
        return "is no formula to GitHub: a space follows the dollar sign, or a letter touches it"
    if re.search(r"<[a-zA-Z/!]", formula):
        return "is HTML to GitHub: put a space behind the <"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_nothing_is_missing_without_scripts(path):
    assert problems(nbformat.read(path, as_version=4)) == []


def picture(draw):
    """The output of a cell with a figure on which `draw(fig)` has drawn."""
    fig, file = plt.figure(figsize=(1, 1)), io.BytesIO()
    draw(fig)
    fig.savefig(file)
    data = {"image/png": base64.b64encode(file.getvalue()).decode(), "text/plain": "<Figure>"}
    return new_output("display_data", data)


def small_notebook():
    """A page without a fault: text, a figure, and a widget for which the figure stands."""
    text = "# Title\n\n## 1. Part\n\n- $a_1 < b$\n\n| a | $b$ |\n|---|---|\n| 1 | 2 |"
    figure = new_code_cell("plt.show()", outputs=[picture(lambda fig: fig.text(0.5, 0.5, "a"))])
    figure.metadata["alt"] = "An a."
    return new_notebook(
        cells=[new_markdown_cell(text), figure, new_code_cell("display(slider)")],
    )


def replace(old, new):
    return lambda nb: nb.cells[0].update(source=nb.cells[0].source.replace(old, new))


def show(**data):
    output = new_output("display_data", {k.replace("_", "/"): v for k, v in data.items()})
    return lambda nb: nb.cells[1].outputs.append(output)


def store(draw):
    return lambda nb: nb.cells[1].update(outputs=[picture(draw)])


# How a page can be wrong, and the sentence that must say so
FAULTS = [
    ("", lambda nb: None),
    ("<canvas> is not shown", replace("- ", '<canvas width="9"></canvas>\n\n- ')),
    ("<script> is not shown", show(text_html="<script>alert(1)</script>")),
    ("<a> runs a script", replace("- ", "[click](javascript:alert) ")),
    ("<p> runs a script", show(text_html='<p onclick="alert(1)">click</p>')),
    ("no hierarchy: [1, 3]", replace("## 1", "### 1")),
    ("no hierarchy: [1, 1]", replace("## 1", "# 1")),
    ("no hierarchy: []", replace("#", "")),
    ("draws, but there is no picture", lambda nb: nb.cells[1].update(outputs=[])),
    ("shows a widget, but no picture", lambda nb: nb.cells.pop(1)),
    ("prints an object", show(text_plain="<Axes: title='Slope'>")),
    ("is not stored", show(text_html='<img src="https://example.org/a.png">')),
    ("does not say what", lambda nb: nb.cells[1].metadata.clear()),
    ("is empty", store(lambda fig: None)),
    ("is cut off", store(lambda fig: fig.text(-0.2, 0.5, "label"))),
    ("unknown commands ['lamda']", replace("a_1", r"\lamda")),
    ("not balanced", replace("a_1", "a_{1")),
    ("not balanced", replace("a_1", r"\left(a")),
    ("a letter touches it", replace("$a_1 < b$", "$a$th")),
    ("a space follows", replace("$a_1", "$ a_1")),
    ("HTML to GitHub", replace("a_1 < b", "a <b")),
    ("'$' is left over", replace("b$\n", "b\n")),
    ("'|' is left over", replace("| 2 |", "| 2 | 3 |")),
    ("'|' is left over", replace("$b$", "$|b|$")),
    ("'#' is left over", replace("## 1", "text\n    ## 1")),
    ("'<b' is left over", replace("- ", r"\<br> ")),
    ("a PDF lacks ∂,", replace("1. Part", "∂y")),
    ("a PDF lacks ∂∂,", lambda nb: nb.cells[1].update(source="plt.show()  # ∂ by ∂")),
    ("a PDF lacks √,", lambda nb: nb.cells[1].outputs.append(new_output("stream", text="√2"))),
    ("'**' is left over", replace("- ", "** bold** ")),
]


def test_the_commands_of_formulas_are_known():
    assert {"frac", "underbrace", "varepsilon", "operatorname"} <= known_commands() and len(known_commands()) > 500
    assert not {"lamda", "alph", "fracc", "sigmma"} & known_commands()


@pytest.mark.parametrize(("sentence", "fault"), FAULTS)
def test_a_fault_on_the_page_is_found(sentence, fault):
    notebook = small_notebook()
    fault(notebook)
    found = problems(notebook)
    assert any(sentence in problem for problem in found) if sentence else found == [], found
