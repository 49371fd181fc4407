"""Slides from the lesson of each notebook, by rule. What stands behind the recap stays in the notebook.

Usage: slides.py FOLDER [NOTEBOOK ...]   (make slides; without names: all notebooks)

What the class sees, and where:

- A heading or a **Predict.** begins a slide; a question stays with the heading above it if nothing was run between them.
- What answers a question begins a slide, too: nothing that was run stands on the slide that asks.
- Headings, questions, formulas, tables, quotations, exercises, and of a list the first sentence of each item stay on the
  slide. Of other prose stays a sentence that defines (it has a bold word), asks (?), or leads into a formula or a list.
- All prose is in the speaker's notes, as it stands in the notebook.
- Code stays with what it shows. Of code that draws, the figure stays, as large as the slide has room for; of an error,
  its last line. A cell that only proves something (assertions, no output) becomes a line in the notes, unless it
  is the answer. Set-up and imports are left out. Exercises have prompt and stub.
- What would overflow begins the next slide. Where that makes more than MOST slides, a question without a heading moves
  onto the slide before it, as long as there is room and that slide asks nothing itself: the smallest first.

Heights are those of slides.css, in pixels of a slide that has 1280 x 720; a browser measures all slides in
tests/browser/test_slides.py.

FOLDER gets one page per notebook and an index, what they need, as `live/` the notebooks that JupyterLab can show as slides, and,
where Chromium is there, each deck as a PDF.
"""

import argparse
import ast
import base64
import html
import json
import math
import os
import re
import shutil
import struct
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import jinja2
import nbformat
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

HERE = Path(__file__).resolve().parent
NOTEBOOKS = HERE.parent / "notebooks"
PACKAGES = HERE / "node_modules"

FORMAT = HtmlFormatter(cssclass="code")
MOST = 35  # slides in a lesson
ROOM, WIDTH = 656, 1200  # what a slide has for its parts, below the line that says where we are
LONG = 18  # lines of a function or a class that a class of people reads on a slide
FIGURE = 370  # the least height of a figure, unless it is flatter by itself
QUESTION = re.compile(r"\*\*(Predict|예측)\.\*\*")


# ------------------------------------------------------------------------------------ text

MARKDOWN = MarkdownIt("commonmark").enable("table")
# MathJax finds its own brackets, and nothing else.
MARKDOWN.use(
    dollarmath_plugin,
    double_inline=True,
    renderer=lambda tex, options: html.escape(rf"\[{tex}\]" if options["display_mode"] else rf"\({tex}\)"),
)


def to_html(source):
    """HTML of Markdown. A link into the course would lead nowhere from here: its text stays."""
    return re.sub(r'<a href="(?!https?:)[^"]*">(.*?)</a>', r"\1", MARKDOWN.render(source))


def blocks(source):
    """The blocks of a text: pairs of a kind ("heading", "paragraph", "table", ...) and its source."""
    lines = source.split("\n")
    for token in MARKDOWN.parse(source):
        if token.level == 0 and token.map and token.nesting >= 0:
            block = "\n".join(lines[slice(*token.map)]).strip()
            yield token.type.removesuffix("_open").removeprefix("bullet_").removeprefix("ordered_"), block


def sentences(text):
    """The sentences of a paragraph. A label, **Next.** for instance, is part of the one behind it."""
    masked = re.sub(r"\$[^$]*\$|`[^`]*`", lambda m: "X" * len(m[0]), text)
    start = 0
    for end in re.finditer(r"[.?!][)\"”*_]*\s+(?![a-z])|$", masked):
        sentence = text[start : end.end()].strip()
        # a bold or bracketed part may hold several sentences
        whole = sentence.count("**") % 2 == 0 and sentence.count("(") <= sentence.count(")")
        if sentence and (whole or end.end() == len(text)) and not re.fullmatch(r"\*\*[^*]+\*\*", sentence):
            yield sentence
            start = end.end()


def kept(paragraph, leads):
    """What the class sees of a paragraph. leads: whether a formula, a list or a table follows."""
    every = list(sentences(paragraph))
    return " ".join(
        s
        for s in every
        if "**" in re.sub(r"^\*\*[^*]+\.\*\* ", "", s)
        or re.search(r"\?[)\"”*_]*$", s)
        or (leads and s is every[-1] and not re.search(r"[.!?][)\"”*_]*$", s))
    )


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
    return re.sub(r"[${}^_]", "", re.sub(r"\\[a-zA-Z]+ ?", "x", tex))


# ------------------------------------------------------------------------------------ parts of a slide


@dataclass
class Part:
    """A part of a slide: its HTML, its height in pixels, and the cell it comes from."""

    html: str
    height: float
    cell: object
    source: str = ""  # of a text, as Markdown


@dataclass
class Group:
    """Parts that stay together on a slide; without parts, something for the notes only.

    begins: 0 nothing, 1 a question, 2 a heading in a section, 3 a section, 4 an exercise or the recap.
    asks: nothing that is run after it may stand on the same slide.
    """

    cell: object
    where: str  # the section
    parts: list = field(default_factory=list)
    begins: int = 0
    asks: bool = False
    note: str = ""
    seconds: float = 0

    @property
    def height(self):
        return sum(part.height for part in self.parts)


@dataclass
class Slide:
    name: str  # in its address: the cell that it begins with
    groups: list

    @property
    def where(self):
        """The line above: the title of the lesson or of the section."""
        return self.groups[0].where

    @property
    def parts(self):
        return [part for group in self.groups for part in group.parts]

    @property
    def notes(self):
        return [group.note for group in self.groups if group.note]

    @property
    def height(self):
        return sum(group.height for group in self.groups)

    @property
    def seconds(self):
        return sum(group.seconds for group in self.groups)


def formula_height(tex):
    rows = max([matrix.count(r"\\") + 1 for matrix in re.findall(r"\\begin.*?\\end", tex, re.S)], default=1)
    tall = re.search(r"\\d?frac|\\sum|\\prod|\\int", tex)
    return 30 + (rows * 36 if rows > 1 else 78 if tall else 44) + (34 if "underbrace" in tex else 0)


def text_part(kind, source, cell):
    """A block of a text as a part of a slide."""
    body = to_html(source)
    small = is_exercise(cell) or cell.id == "recap"
    line, letters = (33, 104) if small else (36, 96)
    rows = sum(1 + int(length(row) // letters) for row in source.split("\n"))
    if kind == "heading":
        height, letters = {1: (76, 48), 2: (64, 62), 3: (56, 78)}[len(source.split()[0])]
        height += (height - 14) * int(length(source) // letters)
    elif kind == "math_block":
        height = formula_height(source)
    elif kind == "table":
        height = 15 + 44 * (source.count("\n"))
    elif kind == "list":
        height = 12 + 5 * (source.count("\n") + 1) + line * rows + 8 * source.count(r"\frac")
    elif kind == "fence":
        height = 32 + 26 * source.count("\n")
    elif QUESTION.match(source):
        body = f'<div class="question">{body}</div>'
        height = 34 + 38 * (1 + int(length(source) // 88))
    elif kind == "blockquote":
        height = 12 + line * (1 + int(length(source) // 92))
    else:
        height = 12 + line * rows
    return Part(f'<div class="small">{body}</div>' if small else body, height, cell, source)


def code_part(code, cell):
    return Part(highlight(code, PythonLexer(), FORMAT), 28 + 26 * len(lines(code)), cell)


def lines(text):
    return [piece for line in text.split("\n") for piece in range(1 + len(line) // 89)]




def output_part(text, cell, kind=""):
    text = text.rstrip("\n")
    body = f'<pre class="output {kind}">{html.escape(text)}</pre>'
    return Part(body, 10 + 26 * len(lines(text)), cell)


def figure_part(png, cell):
    width, height = struct.unpack(">II", base64.b64decode(png[:64])[16:24])
    alternative = html.escape(cell.metadata.get("alt", ""))
    body = f'<img class="figure" alt="{alternative}" src="data:image/png;base64,{png}">'
    return Part(body, min(FIGURE, WIDTH * height / width) + 12, cell)


def is_figure(part):
    return 'class="figure"' in part.html


def is_section(part):
    return part.source.startswith("## ")


def is_question(part):
    return bool(QUESTION.match(part.source))


def is_exercise(cell):
    return cell.id.startswith("exercise-")


def proves(cell):
    """Whether a cell shows nothing and ends with assertions."""
    tree = ast.parse(cell.source).body
    defines = any(isinstance(node, (ast.FunctionDef, ast.ClassDef)) for node in tree)
    return not cell.outputs and not defines and any(isinstance(node, ast.Assert) for node in ast.walk(tree[-1]))


def short(code):
    """The code, but of a function or a class of more than LONG lines only how it begins, and what it says of itself."""
    rows = code.split("\n")
    for node in reversed(ast.parse(code).body):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.end_lineno - node.lineno >= LONG:
            begins = node.body[0].end_lineno if ast.get_docstring(node) else node.body[0].lineno - 1
            rows[begins : node.end_lineno] = ["    ..."]
    return "\n".join(rows)


def without_assertions(code):
    """The code without the assertions at its own level, which the notes tell of."""
    proofs = [node for node in ast.parse(code).body if isinstance(node, ast.Assert)]
    left_out = {n for node in proofs for n in range(node.lineno, node.end_lineno + 1)}
    return "\n".join(line for n, line in enumerate(code.split("\n"), 1) if n not in left_out).strip("\n")


def draws(cell):
    """Whether a cell says how a figure is drawn, and shows nothing yet."""
    return not cell.outputs and re.search(r"\b(plt|ax)\.", cell.source)


def code_parts(cell):
    """What the class sees of a code cell: groups of parts that stay together."""
    if is_exercise(cell):
        return [[code_part(cell.source, cell)]]
    texts, figures = [], []
    for output in cell.outputs:
        data = output.get("data", {})
        if "image/png" in data:
            figures.append(figure_part("".join(data["image/png"].split()), cell))
        elif output.output_type == "error":
            # the class reads what went wrong, not where in the library
            said = f"{output.ename}: {output.evalue}".strip().split("\n")
            texts.append(output_part("\n".join(said[:6]), cell, "error"))
        else:
            texts.append(output_part(output.get("text") or data.get("text/plain", ""), cell))
    if figures:
        return [[part] for part in texts + figures]
    code = cell.source if proves(cell) else without_assertions(cell.source)
    together = [code_part(short(code), cell), *texts]
    if sum(part.height for part in together) <= ROOM:
        return [together]
    return [[code_part(piece, cell)] for piece in pieces(code)] + [[part] for part in texts]


def pieces(code):
    """Code in pieces that fit on a slide, cut at empty lines."""
    found = [""]
    for block in re.split(r"\n\n+(?=\S)", code):
        if found[-1] and code_part(f"{found[-1]}\n\n\n{block}", None).height > ROOM:
            found.append(block)
        else:
            found[-1] = f"{found[-1]}\n\n\n{block}".lstrip("\n")
    return found


# ------------------------------------------------------------------------------------ a deck


def is_deeper(cell):
    return "deeper" in cell.metadata.get("tags", [])


class Deck:
    """The slides of one notebook: `slides`, and `before`, the cells that are run before the first of them."""

    def __init__(self, path):
        self.name = path.stem
        self.notebook = nbformat.read(path, 4)
        head, *cells = (cell for cell in self.notebook.cells if not is_deeper(cell))
        self.before = [cell for cell in cells if cell.id in ("setup", "imports")]
        self.groups = []
        self.head(head)
        for cell in cells:
            if cell.cell_type == "markdown":
                self.text(cell)
            elif cell not in self.before:
                self.code(cell)
        self.slides = self.share()

    def head(self, cell):
        found = list(blocks(cell.source))
        self.title = self.section = found[0][1].removeprefix("# ")
        self.question = next(block for _, block in found if block.startswith("**"))
        self.minutes = int(re.search(r"(?m)^\|[^|]+\| (\d+) \|$", cell.source)[1])
        able = next(i for i, (kind, _) in enumerate(found) if kind == "list")
        shown = [found[0], ("paragraph", self.question), *found[able - 1 : able + 1]]
        note = "\n\n".join(block for _, block in found[able + 1 :])
        self.groups.append(Group(cell, "", [text_part(*block, cell) for block in shown], begins=4, note=note))

    def text(self, cell):
        found = list(blocks(cell.source))
        heading = found[0][1] if found[0][0] == "heading" else ""
        asks = any(QUESTION.match(block) for _, block in found)
        section = heading.startswith("## ")
        if section:
            self.section = heading.removeprefix("## ")
        parts = []
        for i, (kind, block) in enumerate(found):
            following = found[i + 1][0] if i + 1 < len(found) else ""
            if kind == "list" and not is_exercise(cell):
                block = first_sentences(block)
            elif kind == "paragraph" and not QUESTION.match(block) and not is_exercise(cell):
                block = kept(block, leads=following not in ("", "paragraph"))
            if block:
                parts.append(text_part(kind, block, cell))
        groups = [Group(cell, self.title if section else self.section, [part]) for part in parts]
        groups = groups or [Group(cell, self.section)]
        apart = is_exercise(cell) or cell.id == "recap"
        groups[0].begins = 4 if apart else 3 if section else 2 if heading else 1 if asks else 0
        groups[0].seconds = len(cell.source.split()) * 60 / 150 + 30 * asks + 300 * is_exercise(cell)
        groups[-1].asks = asks
        if not is_exercise(cell):
            groups[0].note = "\n\n".join(block for kind, block in found if kind not in ("heading", "table"))
        self.groups += groups

    def code(self, cell):
        answers = next((group.asks for group in reversed(self.groups) if group.parts), False)
        if proves(cell) and not answers:
            groups = [Group(cell, self.section, note="*(In the notebook, an assertion checks this.)*")]
        elif draws(cell):
            groups = [Group(cell, self.section)]
        else:
            groups = [Group(cell, self.section, parts) for parts in code_parts(cell)]
        groups[0].seconds = 15
        self.groups += groups

    def share(self):
        """The division of the groups into at most MOST slides that costs least.

        A slide costs 0.9, so that none is begun without need. A question that does not begin one costs 1, a heading in a
        section 2, a section 4.
        """
        shown = [i for i, group in enumerate(self.groups) if group.parts]
        ends = [*shown[1:], len(self.groups)]  # what is in the notes only stays with what is above it
        best = {(0, 0): (0, [])}  # (slides, groups): cost, ends of the slides
        for i in range(len(shown)):
            for j in range(i + 1, len(shown) + 1):
                cost = self.cost([self.groups[n] for n in shown[i:j]])
                if cost is None and j > i + 1:
                    break
                for count in range(MOST + 5):
                    if (count, i) in best and cost is not None:
                        before, division = best[count, i]
                        if before + cost < best.get((count + 1, j), (math.inf,))[0]:
                            best[count + 1, j] = before + cost, [*division, ends[j - 1]]
        counts = [count for count, groups in best if groups == len(shown)]
        fits = [count for count in counts if count <= MOST] or [min(counts)]
        _, division = min(best[count, len(shown)] for count in fits)
        slides, names = [], Counter()
        for a, b in pairwise([0, *division]):
            name = self.groups[a].cell.id
            names[name] += 1
            slides.append(Slide(name if names[name] == 1 else f"{name}-{names[name]}", self.groups[a:b]))
        return slides

    @staticmethod
    def cost(groups):
        """What a slide with these groups costs; None if it cannot be."""
        first, *others = groups
        if others and sum(group.height for group in groups) > ROOM:
            return None
        cost, ran = 0.9, first.cell.cell_type == "code"
        for above, group in pairwise(groups):
            exercise = is_exercise(group.cell)
            if group.begins == 4 or (above.cell.id == "head") or (is_exercise(above.cell) and not exercise):
                return None
            if above.asks and not exercise:
                return None
            ran |= group.cell.cell_type == "code"
            # A question belongs to the heading above it, if nothing was run between them.
            cost += 0 if group.begins == 1 and not ran else (0, 1, 2, 4)[group.begins]
        ends_with_heading = groups[-1].parts[0].source.startswith("#")
        return cost + 3 * ends_with_heading


# ------------------------------------------------------------------------------------ pages


def copy_packages(folder):
    """What the pages need: reveal.js with the window for the speaker, its letters, and MathJax in one file."""
    if not PACKAGES.is_dir():
        sys.exit(f"{PACKAGES} is missing: make slides fetches it, for which it needs Node.js (https://nodejs.org).")
    reveal = PACKAGES / "reveal.js"
    for path in (
        reveal / "dist" / "reveal.js",
        reveal / "dist" / "reveal.css",
        reveal / "plugin" / "notes" / "notes.js",
        *sorted((reveal / "dist" / "theme" / "fonts" / "source-sans-pro").glob("*.woff")),
        PACKAGES / "mathjax" / "es5" / "tex-svg.js",
        *sorted((HERE / "slides").glob("slides.*")),
    ):
        shutil.copy(path, folder)
    with open(folder / "slides.css", "a", encoding="utf-8") as css:
        css.write(FORMAT.get_style_defs(".code"))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("notebooks", type=Path, nargs="*")
    options = arguments.parse_args()
    decks = [Deck(path) for path in options.notebooks or sorted(NOTEBOOKS.glob("*.ipynb"))]
    options.folder.mkdir(parents=True, exist_ok=True)
    copy_packages(options.folder)
    templates = jinja2.Environment(loader=jinja2.FileSystemLoader(HERE / "slides"), autoescape=False)
    templates.globals |= {"to_html": to_html, "in_line": MARKDOWN.renderInline}
    for deck in decks:
        page = templates.get_template("deck.html").render(deck=deck)
        (options.folder / f"{deck.name}.html").write_text(page, encoding="utf-8")
        print(deck.name, len(deck.slides))


if __name__ == "__main__":
    main()
