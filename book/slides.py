"""Slides from the lesson of each notebook, by rule. What stands behind the recap stays in the notebook.

Usage: slides.py   (make slides)

What the class sees:

- Headings, questions, formulas, tables, quotations, and exercises with prompt and stub. Of a list, the first sentence
  of each item. Of other prose a sentence that defines or stresses (a word is bold or in italics), asks (?), supposes
  (Say, Suppose, Let), or leads into a formula, a list or a **Predict.**: each with the sentence before it, with those
  before it that say what a letter is, and with one that stands between two. All prose is in the speaker's notes.
- Where there is room on a slide without a figure, and nothing of the paragraph is seen: the first two sentences about
  an answer and below a heading, the last two before a question.
- Code with what it shows. Of code that draws, the figure alone, as large as there is room; of an error, what it says;
  of a function longer than LONG lines, its head. Left out: set-up, imports, assertions, and cells that only prove
  something (the notes say so), unless that is the answer to a question.

How it is shared among slides:

- A heading or a question begins a slide; a question stays with the heading above it if nothing was run between them.
- What answers a question never stands on the slide that asks.
- What would overflow begins the next slide. (Heights are reckoned here from the sizes in slides.css, and measured in a
  browser by tests/browser/test_slides.py.) What has room to spare is shown larger, by slides.js.
- Where that makes more than MOST slides, some questions and headings stand below an answer, as few as possible.

book/_build/slides gets a page for each notebook, an index, and what they need; in `live/`, notebooks that JupyterLab
shows as slides; and, where Chromium or Chrome is there, each deck as a PDF.
"""

import ast
import base64
import html
import math
import os
import re
import shutil
import struct
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from pathlib import Path

import jinja2
import nbformat
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbformat.v4 import new_markdown_cell, new_notebook
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

HERE = Path(__file__).resolve().parent
NOTEBOOKS = HERE.parent / "notebooks"
PACKAGES = HERE / "node_modules"
SLIDES = HERE / "_build" / "slides"

MOST = 35  # slides in a lesson of fifty minutes
ROOM = 652  # pixels that a slide has for its parts
FIGURES = (
    1,
    0.9,
    0.8,
    0.7,
)  # how large a figure is at least, beside the notebook's: the first that gives at most MOST slides
LONG = 18  # lines of a function or a class that can be read on a slide
COLUMNS = 88  # of code
# Code that shows nothing and only prepares, in the one lesson that has too much of it for its slides
LEFT_OUT = {"11_many_workers": {"images", "begin", "torchrun", "clock", "trap"}}
QUESTION = re.compile(r"\*\*(Predict|예측)\.\*\*")

# ------------------------------------------------------------------------------------ text

MARKDOWN = MarkdownIt("commonmark").enable("table")
# MathJax finds its own brackets, and nothing else.
MARKDOWN.use(
    dollarmath_plugin,
    double_inline=True,
    renderer=lambda tex, options: html.escape(rf"\[{tex}\]" if options["display_mode"] else rf"\({tex}\)"),
)
FORMAT = HtmlFormatter(cssclass="code")


def to_html(source):
    """HTML of Markdown. A link into the course would lead nowhere from here: its text stays."""
    return re.sub(r'<a href="(?!https?:)[^"]*">(.*?)</a>', r"\1", MARKDOWN.render(source))


def blocks(source):
    """The blocks of a text: pairs of a kind (heading, paragraph, question, list, table, ...) and its source."""
    rows = source.split("\n")
    found = []
    for token in MARKDOWN.parse(source):
        if token.level == 0 and token.map and token.nesting >= 0:
            block = "\n".join(rows[slice(*token.map)]).strip()
            kind = re.sub(r"^(bullet|ordered)_|_open$", "", token.type)
            found.append(("question" if QUESTION.match(block) else kind, block))
    return found


def sentences(text):
    """The sentences of a paragraph. A label, **Next.** for instance, is part of the one behind it."""
    masked = re.sub(r"\$[^$]*\$|`[^`]*`", lambda m: "X" * len(m[0]), text)
    start = 0
    for end in re.finditer(r"(?<!\.\.)[.?!][)\"”*_]*\s+(?![a-z])|$", masked):
        sentence = text[start : end.end()].strip()
        # something bold or in brackets may hold several
        whole = sentence.count("**") % 2 == 0 and sentence.count("(") <= sentence.count(")")
        if sentence and (whole or end.end() == len(text)) and not re.fullmatch(r"\*\*[^*]+\*\*", sentence):
            yield sentence
            start = end.end()


def kept(paragraph, following):
    """What the class sees of a paragraph, given what kind of block follows it."""
    every = list(sentences(paragraph))
    keep = set()
    for i, sentence in enumerate(every):
        stresses = "*" in re.sub(r"^\*\*[^*]+[.?!:]\*\* |`[^`]*`|\$[^$]*\$", "", sentence)
        asks = re.search(r"\?[)\"”*_]*$", sentence)
        last = i == len(every) - 1
        leads = following in ("math_block", "question") or (
            following in ("list", "table", "fence") and sentence[-1] == ":"
        )
        supposes = re.match("(Say|Suppose|Let) ", sentence)
        if stresses or asks or supposes or (last and leads):
            keep |= {i - 1, i}
    for i in range(len(every) - 1, 0, -1):
        if i in keep and "$" in every[i] and re.search(r"\$[^$]*=[^$]*\$", every[i - 1]):
            keep.add(i - 1)
    keep |= {i + 1 for i in keep if i + 2 in keep}
    if 1 in keep:
        keep.add(0)  # how a paragraph begins
    return " ".join(sentence for i, sentence in enumerate(every) if i in keep)


def first_sentences(items):
    """A list, of whose items the first sentence stays."""
    found = re.findall(r"(?ms)^([-*]|\d+\.) (.*?)(?=\n(?:[-*]|\d+\.) |\Z)", items)
    return "\n".join(f"{mark} {next(sentences(item), item)}" for mark, item in found)


def length(text):
    """About how many letters wide a text is. A formula is shorter than its source, code and Hangul are wider."""
    text = re.sub(r"\$[^$]*\$", lambda m: drawn(m[0]), text)
    text = re.sub(r"`([^`]*)`", lambda m: m[1] + "x" * (len(m[1]) // 5), text)
    text = re.sub(r"\*\*|\]\(.*?\)|\[", "", text)
    return len(text) + len(re.findall(r"[가-힣]", text))


def drawn(tex):
    """As many letters as a formula is wide."""
    tex = re.sub(r"\\[td]?frac(\w|\{[^{}]*\})(\w|\{[^{}]*\})", lambda m: max(m[1], m[2], key=len), tex)
    tex = re.sub(r"\\(operatorname|text|mathrm|left|right|[bB]igg?[lr]?)\b|\\[,;!]", "", tex)
    letters = re.sub(r"[${}^_]", "", re.sub(r"\\[a-zA-Z]+ ?", "x", tex))
    return letters + "x" * (len(letters) // 6)  # they stand wider apart


# ------------------------------------------------------------------------------------ parts of a slide


@dataclass
class Part:
    """One thing on a slide: a block of text, code, an output, or a figure.

    source: the Markdown, the code or the output; of a figure, nothing. drawn: the height of a figure in the notebook.
    """

    kind: str
    html: str
    cell: object
    source: str = ""
    drawn: float = 0

    def height(self, figure=0):
        """Pixels, with margins and frames. figure: how large one is at least, beside the notebook's."""
        if self.kind == "figure":
            return figure * self.drawn + 10
        rows = self.source.split("\n")
        line, letters, more = 34, 102, 12
        if self.kind in ("code", "output"):
            line, letters, more = 26, COLUMNS, 28 if self.kind == "code" else 10
            return more + line * sum(1 + max(len(row) - 1, 0) // letters for row in rows)
        if self.kind == "fence":
            return 28 + 26 * (len(rows) - 2)
        if self.kind == "table":
            return 15 + 42 * (len(rows) - 1)
        if self.kind == "math_block":
            return formula_height(self.source)
        if self.kind == "heading":
            line, letters, more = {1: (60, 50, 14), 2: (46, 68, 12), 3: (40, 82, 12)}[len(rows[0].split()[0])]
        elif self.kind == "question":
            line, letters, more = 36, 94, 34
        elif self.kind == "blockquote":
            letters = 98
        elif self.kind == "list":
            more = 12 + 5 * len(rows) + 8 * self.source.count(r"\frac")
        return more + line * sum(1 + length(row) // letters for row in rows)


def formula_height(tex):
    rows = max([matrix.count(r"\\") + 1 for matrix in re.findall(r"\\begin.*?\\end", tex, re.S)], default=1)
    tall = re.search(r"\\d?frac|\\sum|\\prod|\\int", tex)
    return 28 + (rows * 35 if rows > 1 else 76 if tall else 42) + (40 if "underbrace" in tex else 0)


def text_part(kind, source, cell):
    body = to_html(source)
    if kind == "question":
        body = f'<div class="question">{body}</div>'
    return Part(kind, body, cell, source)


def code_part(code, cell):
    code = re.sub(r"\n{3,}", "\n\n", code)
    return Part("code", highlight(code, PythonLexer(), FORMAT), cell, code)


def output_part(text, cell, kind=""):
    text = text.rstrip("\n")
    return Part("output", f'<pre class="output {kind}">{html.escape(text)}</pre>', cell, text)


def figure_part(png, cell):
    height = struct.unpack(">I", base64.b64decode(png[:32])[20:24])[0]
    alternative = html.escape(cell.metadata.get("alt", ""))
    body = f'<img class="figure" alt="{alternative}" src="data:image/png;base64,{png}">'
    return Part("figure", body, cell, drawn=height)


def is_exercise(cell):
    return cell.id.startswith("exercise-")


def is_deeper(cell):
    return "deeper" in cell.metadata.get("tags", [])


def proves(cell):
    """Whether a cell shows nothing and ends with assertions."""
    return not cell.outputs and any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(cell.source).body[-1]))


def defines(cell):
    """The names of the functions and classes that a cell defines."""
    return {node.name for node in ast.parse(cell.source).body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}


def draws(cell):
    """Whether a cell says how a figure is drawn, and shows nothing yet."""
    return not cell.outputs and re.search(r"\b(plt|ax)\.", cell.source)


def short(code):
    """The code, but of a function or a class of more than LONG lines only its head and its docstring."""
    rows = code.split("\n")
    for node in reversed(ast.parse(code).body):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.end_lineno - node.lineno >= LONG:
            begins = node.body[0].end_lineno if ast.get_docstring(node) else node.body[0].lineno - 1
            rows[begins : node.end_lineno] = ["    ..."]
    return "\n".join(rows)


def without_assertions(code):
    proofs = [node for node in ast.parse(code).body if isinstance(node, ast.Assert)]
    left_out = {n for node in proofs for n in range(node.lineno, node.end_lineno + 1)}
    return "\n".join(row for n, row in enumerate(code.split("\n"), 1) if n not in left_out).strip("\n")


def pieces(code, cell):
    """Code in parts that fit on a slide, cut at empty lines."""
    found = []
    for block in re.split(r"\n\n+(?=\S)", code):
        longer = code_part(f"{found[-1].source}\n\n{block}" if found else block, cell)
        found[-1:] = [longer] if not found or longer.height() <= ROOM else [found[-1], code_part(block, cell)]
    return found


def code_parts(cell):
    """What the class sees of a code cell: lists of parts that stay together."""
    if is_exercise(cell):
        return [[code_part(cell.source, cell)]]
    texts, figures = [], []
    for output in cell.outputs:
        data = output.get("data", {})
        if "image/png" in data:
            figures.append(figure_part("".join(data["image/png"].split()), cell))
        elif output.output_type == "error":
            said = f"{output.ename}: {output.evalue}".strip().split("\n")
            texts.append(output_part("\n".join(said[:6]), cell, "error"))
        else:
            texts.append(output_part(output.get("text") or data.get("text/plain", ""), cell))
    if figures:
        return [[part] for part in texts + figures]
    code = short(cell.source if proves(cell) else without_assertions(cell.source))
    together = [code_part(code, cell), *texts]
    if sum(part.height() for part in together) <= ROOM:
        return [together]
    return [[part] for part in [*pieces(code, cell), *texts]]


# ------------------------------------------------------------------------------------ a deck


@dataclass
class Group:
    """Parts of one cell that stay together on a slide; without parts, a cell that the class does not see.

    begins: 0 nothing, 1 a question, 2 a heading in a section, 3 a section, 4 an exercise or the recap.
    asks: nothing that is run after it may stand on the same slide.
    """

    cell: object
    where: str
    parts: list = field(default_factory=list)
    begins: int = 0
    asks: bool = False
    note: str = ""
    seconds: float = 0

    @property
    def code(self):
        return self.cell.cell_type == "code"

    def height(self, figure):
        return sum(part.height(figure=figure) for part in self.parts)


@dataclass
class Slide:
    """name: in its address, the cell that it begins with. where: the line above, the title of the lesson or section."""

    name: str
    groups: list

    def __post_init__(self):
        self.where = self.groups[0].where
        self.parts = [part for group in self.groups for part in group.parts]
        self.notes = "\n\n".join(group.note for group in self.groups if group.note)
        self.seconds = max(10, round(sum(group.seconds for group in self.groups)))  # a figure may be a slide


class Deck:
    """The slides of one notebook, and `before`: the cells that are run before the first of them."""

    def __init__(self, path):
        self.name = path.stem
        self.notebook = nbformat.read(path, 4)
        head, *cells = (cell for cell in self.notebook.cells if not is_deeper(cell))
        self.before = [cell for cell in cells if cell.id in ("setup", "imports")]
        self.groups = []
        self.head(head)
        for i, cell in enumerate(cells):
            if cell.cell_type == "markdown":
                self.text(cell, cells[i + 1] if i + 1 < len(cells) else None)
            elif cell not in self.before:
                self.code(cell, {word for later in cells[i + 1 :] for word in re.findall(r"\w+", later.source)})
        self.slides = self.share()

    def head(self, cell):
        found = blocks(cell.source)
        self.title = self.section = found[0][1].removeprefix("# ")
        self.question = next(block for _, block in found if block.startswith("**"))
        self.minutes = int(re.search(r"(?m)^\|[^|]+\| (\d+) \|$", cell.source)[1])
        able = next(i for i, (kind, _) in enumerate(found) if kind == "list")
        shown = [found[0], ("paragraph", self.question), *found[able - 1 : able + 1]]
        note = "\n\n".join(block for _, block in found[able + 1 :])
        self.groups.append(Group(cell, "", [text_part(*block, cell) for block in shown], begins=4, note=note))
        self.groups[0].seconds = len(cell.source.split()) * 60 / 150

    def text(self, cell, below):
        """below: the next cell, if there is one."""
        found = blocks(cell.source)
        heading = found[0][1] if found[0][0] == "heading" else ""
        asks = any(kind == "question" for kind, _ in found)
        section = heading.startswith("## ")
        if section:
            self.section = heading.removeprefix("## ")
        # What stands below a heading leads into the question in the next cell, too.
        end = "question" if heading and below and QUESTION.match(below.source) else ""
        groups = []
        for (kind, block), (following, _) in zip(found, [*found[1:], (end, "")], strict=True):
            if kind == "list" and not is_exercise(cell):
                block = first_sentences(block)
            elif kind == "paragraph" and cell.id == "recap" and "?" not in block:
                block = ""  # what to read further
            elif kind == "paragraph" and not is_exercise(cell):
                block = kept(block, following)
            if block:
                where = self.title if section and not groups else self.section
                groups.append(Group(cell, where, [text_part(kind, block, cell)]))
        groups = groups or [Group(cell, self.section)]
        apart = is_exercise(cell) or cell.id == "recap"
        groups[0].begins = 4 if apart else 3 if section else 2 if heading else 1 if asks else 0
        # as the course counts the minutes of a lesson
        groups[0].seconds = len(cell.source.split()) * 60 / 150 + 30 * asks + 300 * is_exercise(cell)
        groups[-1].asks = asks
        if not is_exercise(cell):
            groups[0].note = "\n\n".join(block for kind, block in found if kind not in ("heading", "table"))
        self.groups += groups

    def code(self, cell, later):
        """later: the words that come after it."""
        answers = next(group.asks for group in reversed(self.groups) if group.parts)
        if proves(cell) and not answers and not defines(cell) & later:
            groups = [Group(cell, self.section, note="*(In the notebook, an assertion checks this.)*")]
        elif draws(cell) or cell.id in LEFT_OUT.get(self.name, ()):
            groups = [Group(cell, self.section)]
        else:
            groups = [Group(cell, self.section, parts) for parts in code_parts(cell)]
        groups[0].seconds = 15
        self.groups += groups

    def share(self):
        """The slides: if it can be, at most MOST."""
        for figure in FIGURES:
            ends = self.divide(figure)
            if len(ends) <= MOST:
                break
        slides, names = [], Counter()
        for begin, end in pairwise([0, *ends]):
            name = self.groups[begin].cell.id
            names[name] += 1
            if begin:
                self.explain(begin, end)
            slides.append(Slide(name if names[name] == 1 else f"{name}-{names[name]}", self.groups[begin:end]))
        return slides

    def explain(self, begin, end):
        """Where there is room: the words without which an answer, a question or a heading would stand alone."""
        slide = self.groups[begin:end]

        def say(block, cell, first, group, place):
            """Of a block of a cell two sentences, the first or the last, unless the class sees something of it."""
            kind, source = block
            every = [*sentences(source)]
            here = [part for other in slide for part in other.parts]
            shown = [part.source for other in self.groups for part in other.parts if part.cell is cell]
            seen = any(sentence in text for sentence in every for text in shown)
            if kind == "paragraph" and every and not seen and all(part.kind != "figure" for part in here):
                said = every[-2:] if not first else every[:1] if every[-1].endswith(":") else every[:2]
                said = text_part(kind, " ".join(said), cell)
                if sum(part.height() for part in [*here, said]) <= ROOM:
                    group.parts.insert(place, said)

        asked = next(group.asks for group in reversed(self.groups[:begin]) if group.parts)
        about = next((group for group in slide if group.note and not group.code), None)
        if asked and slide[0].code and about and about.begins < 2:
            say(blocks(about.note)[0], about.cell, True, about, 0)
        for above, group in pairwise(self.groups[begin - 1 : end]):
            if group.begins == 1 and group.parts[0].kind == "question" and not above.code:
                say(blocks(above.cell.source)[-1], above.cell, False, group, 0)
            elif group.begins in (2, 3) and len(found := blocks(group.cell.source)) > 1:
                say(found[1], group.cell, True, group, 1)

    def divide(self, figure):
        """Where the slides end, so that there are at most MOST, and it costs least."""
        shown = [i for i, group in enumerate(self.groups) if group.parts]
        ends = [*shown[1:], len(self.groups)]  # what the class does not see stays with what is above it
        best = [
            {} for _ in range(len(shown) + 1)
        ]  # for so many groups: by the number of slides, cost and ends of slides
        best[0][0] = 0, ()
        for i in range(len(shown)):
            for j in range(i + 1, len(shown) + 1):
                cost = self.cost([self.groups[n] for n in shown[i:j]], figure)
                if cost is None:
                    break
                for count, (before, division) in best[i].items():
                    if before + cost < best[j].get(count + 1, (math.inf,))[0]:
                        best[j][count + 1] = before + cost, (*division, ends[j - 1])
        fits = [found for count, found in best[-1].items() if count <= MOST] or [best[-1][min(best[-1])]]
        return min(fits)[1]

    @staticmethod
    def cost(groups, figure):
        """What a slide with these groups costs; None if it, and any longer one, cannot be.

        Each slide 0.9, so that none is begun without need; a question that does not begin one 1, a heading in a section
        2, a section 4; a heading at the end, without what it is about, 3.
        """
        if len(groups) > 1 and sum(group.height(figure) for group in groups) > ROOM:
            return None
        cost, ran, bare = 0.9, groups[0].code, groups[0].begins in (2, 3)
        for above, group in pairwise(groups):
            continues = is_exercise(group.cell) or group.cell is above.cell
            if above.cell.id == "head" or (group.begins == 4) or (is_exercise(above.cell) and not continues):
                return None
            if above.asks and not continues:
                return None
            ran |= group.code
            bare = group.begins in (2, 3) or (bare and not group.code and not group.asks)
            cost += 0 if group.begins == 1 and not ran else (0, 1, 2, 4)[group.begins]
        return cost + 3 * bare


# ------------------------------------------------------------------------------------ what is written


def copy_packages():
    """What the pages need: reveal.js with the window for the speaker, its letters, and MathJax in one file."""
    reveal = PACKAGES / "reveal.js"
    for path in (
        reveal / "dist" / "reveal.js",
        reveal / "dist" / "reveal.css",
        reveal / "plugin" / "notes" / "notes.js",
        *sorted((reveal / "dist" / "theme" / "fonts" / "source-sans-pro").glob("*.woff")),
        PACKAGES / "mathjax" / "es5" / "tex-svg.js",
        HERE / "slides" / "slides.js",
    ):
        shutil.copy(path, SLIDES)
    css = (HERE / "slides" / "slides.css").read_text(encoding="utf-8")
    (SLIDES / "slides.css").write_text(FORMAT.get_style_defs(".code") + "\n" + css, encoding="utf-8")


def live(deck):
    """A notebook that JupyterLab shows as these slides (jupyterlab-rise), where each cell is run in front of the class.

    It has all code of the lesson, in order, so that every cell finds what it needs. What the class need not see is
    folded.
    """

    def to_run(cell, folded):
        cell = deepcopy(cell)
        cell.outputs, cell.execution_count = [], None
        cell.metadata["jupyter"] = {"source_hidden": folded}
        return cell

    cells, done = [], []
    for slide in deck.slides:
        own = []
        # Text that stands together is one cell, so that Shift+Enter is pressed once.
        for cell, groups in groupby(slide.groups, lambda group: group.cell if group.code else None):
            parts = [part for group in groups for part in group.parts]
            if cell is None and parts:
                own.append(new_markdown_cell("\n\n".join(part.source for part in parts)))
            elif cell and cell not in done:
                done.append(cell)
                own.append(to_run(cell, folded=all(part.kind == "figure" for part in parts)))
        if slide is deck.slides[0]:
            own += [to_run(cell, folded=True) for cell in deck.before]
        for i, cell in enumerate(own):
            cell.metadata["slideshow"] = {"slide_type": "-" if i else "slide"}
        if slide.notes:
            own.append(new_markdown_cell(slide.notes, metadata={"slideshow": {"slide_type": "notes"}}))
        cells += own
    return new_notebook(cells=cells, metadata=deck.notebook.metadata)


def browser():
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


def print_pdf(decks, program):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=program) as chromium:
        for deck in decks:
            page = chromium.new_page()
            page.goto(f"{(SLIDES / deck.name).as_uri()}.html?print-pdf")
            page.wait_for_function("n => document.querySelectorAll('.pdf-page').length == n", arg=len(deck.slides))
            page.pdf(path=SLIDES / f"{deck.name}.pdf", prefer_css_page_size=True, print_background=True)
            page.close()


def main():
    decks = [Deck(path) for path in sorted(NOTEBOOKS.glob("*.ipynb"))]
    shutil.rmtree(SLIDES, ignore_errors=True)
    (SLIDES / "live").mkdir(parents=True)
    copy_packages()
    shutil.copy(HERE / "slides" / "rise.css", SLIDES / "live")
    program = browser()
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "slides"), trim_blocks=True, lstrip_blocks=True
    )
    templates.globals |= {"to_html": to_html, "in_line": MARKDOWN.renderInline}
    for deck in decks:
        page = templates.get_template("deck.html").render(deck=deck)
        (SLIDES / f"{deck.name}.html").write_text(page, encoding="utf-8")
        nbformat.write(live(deck), SLIDES / "live" / f"{deck.name}.ipynb")
    index = templates.get_template("index.html").render(decks=decks, pdf=bool(program))
    (SLIDES / "index.html").write_text(index, encoding="utf-8")
    if program:
        print_pdf(decks, program)
    else:
        print("No Chromium or Chrome was found (CHROMIUM=/its/path names one), so there is no PDF.")
    print(f"{sum(len(deck.slides) for deck in decks)} slides of {len(decks)} lessons: {SLIDES / 'index.html'}")


if __name__ == "__main__":
    main()
