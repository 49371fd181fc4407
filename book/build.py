"""Make the book: pages of HTML from the notebooks as they are stored; nothing is executed.

Usage: build.py   (make book; the hints must lie in book/_build/exercises.json)

Sphinx reads a copy of the notebooks, in which what only helps in a notebook is replaced by what helps on a page. All that
the pages need lies beside them: they work from a folder, from any web server, and below any path, and ask nobody else.
"""

import html
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

BOOK = Path(__file__).resolve().parent
ROOT = BOOK.parent
BUILD = BOOK / "_build"
SLIDES = BUILD / "slides"

# Each language is a site of its own, English at the root and any other in a folder of its name, with the same pages.
# Its notebooks lie in notebooks/LANGUAGE, its other pages in book/LANGUAGE.
LANGUAGES = {"en": "English"}
WORDS = {
    "en": {
        "colab": "Open in Colab",
        "download": "Download the notebook",
        "setup": "Set-up",
        "imports": "Imports",
        "hint": "Hint {given} of {all}",
        "solution": "One right answer",
        "slides": "Slides",
        "page": "Here it answers at once: [{title}](../pages/{name}.md).",
    },
}

# Deeper sections for which the book has a page that computes, by the ids of their headings
PAGES = {"the-playground": "playground", "read-a-digit-of-your-own": "digit_pad"}

# 02, "A title" · 02, deeper: "A title" · section "A title" · deeper: "A title"; and code, where none is meant
REFERENCE = re.compile(
    r"(?s)(?P<code>```.*?```|`[^`]+`)|"
    r'(?:(?<![\d.])(?P<number>\d\d), (?P<far>deeper: )?|\b(?:S|s)ection |(?P<near>\b(?:D|d)eeper: ))"(?P<title>[^"]+)"'
)
HEADING = re.compile(r"(?m)\A(#+) +(?:\d+\. |(?P<deeper>Deeper: ))?(?P<title>.*)$")


def of_language(folder, language):
    return folder if language == "en" else folder / language


def label(path, cell):
    """The name of a heading, by the number of its notebook and the id of its cell, which stays when the words change.

    On the page of the notebook, its anchor is the id alone: no anchor begins with a digit.
    """
    return f"{path.name[:2]}-{cell.id}"


def headings(notebooks):
    """The labels of all headings, each of which begins its cell: {(number, whether it is deeper, title): label}."""
    return {
        (path.name[:2], "deeper" in cell.metadata.get("tags", []), heading["title"].strip()): label(path, cell)
        for path, notebook in notebooks.items()
        for cell in notebook.cells
        if cell.cell_type == "markdown" and (heading := HEADING.match(cell.source))
    }


def short_title(notebook):
    """`# 02 · Gradient descent: from a slope to a training loop` gives "02 · Gradient descent"."""
    return re.match(r"# +([^:\n]+)", notebook.cells[0].source)[1]


def linked(text, number, places):
    """The text of a cell of notebook `number` with a link in place of each reference to a section."""

    def link(match):
        key = match["number"] or number, bool(match["far"] or match["near"]), match["title"]
        return f"[{match[0]}](#{places[key]})" if not match["code"] and key in places else match[0]

    return REFERENCE.sub(link, text)


def head(cell, path, places, words, slides):
    """Ways to the notebook in place of its own links; what stands behind the table is said to whoever runs cells."""
    heading, links, *rest = cell.source.split("\n\n")
    colab = re.match(r"\[[^]]+\]\((\S+?)\)", links)[1]
    last = max(number for number, part in enumerate(rest) if part.startswith("|"))
    ways = [] if "<" in colab else [f'<a href="{colab}">{words["colab"]}</a>']
    ways.append(f'<a href="{path.name}" download>{words["download"]}</a>')
    if slides:
        ways.append(f'<a href="{slides}/{path.stem}.html">{words["slides"]}</a>')
    for (number, deeper, title), name in places.items():
        if deeper and number == path.name[:2]:
            rest[last] = rest[last].replace(f": {title} |", f": [{title}](#{name}) |")
    return "\n\n".join([heading, f'<p class="ways">{" ".join(ways)}</p>', *rest[: last + 1]])


def help_for(exercise, words):
    """A text cell: the hints, each inside the one before it, so that they open one by one; then the solution."""
    opened = ""
    for given, hint in reversed(list(enumerate(exercise["hints"], 1))):
        summary = words["hint"].format(given=given, all=len(exercise["hints"]))
        opened = f"<details><summary>{summary}</summary><p>{html.escape(hint)}</p>{opened}</details>"
    if exercise["solution"]:
        opened += f"\n<details><summary>{words['solution']}</summary>\n\n```python\n{exercise['solution']}\n```\n\n</details>\n"
    return nbformat.v4.new_markdown_cell(f'<div class="help">\n{opened}\n</div>')


def with_page(source, name, language):
    """The text of a heading's cell with the way to the page that computes, below the line that says its minutes."""
    page = of_language(BOOK, language) / "pages" / f"{name}.md"
    title = re.match(r"# +(.*)", page.read_text(encoding="utf-8"))[1]
    heading, minutes, rest = source.split("\n\n", 2)
    return "\n\n".join([heading, minutes, WORDS[language]["page"].format(title=title, name=name), rest])


def for_a_page(path, notebook, places, exercises, language, slides):
    """Turn a notebook into what Sphinx shall read."""
    cells, words = [], WORDS[language]
    for cell in notebook.cells:
        tags = cell.metadata.setdefault("tags", [])
        help = None
        if cell.id == "head":
            cell.source = head(cell, path, places, words, slides)
        if cell.cell_type == "markdown":
            if cell.id in PAGES:
                cell.source = with_page(cell.source, PAGES[cell.id], language)
            cell.source = linked(cell.source, path.name[:2], places)
            if cell.source.startswith("#") and cell.id != "head":
                kind = ".deeper" if HEADING.match(cell.source)["deeper"] else ""
                cell.source = f"{{#{label(path, cell)} {kind}}}\n{cell.source}"
        elif cell.id in ("setup", "imports"):
            tags.append("hide-input")
            cell.metadata["mystnb"] = {f"code_prompt_{action}": words[cell.id] for action in ("show", "hide")}
        elif cell.id.startswith("exercise-"):
            tags.append("exercise")
            cell.outputs = []  # "not attempted yet"
            help = help_for(exercises[cell.id.removeprefix("exercise-").replace("-", "_")], words)
        if "alt" in cell.metadata:
            cell.metadata["mystnb"] = {"image": {"alt": cell.metadata["alt"]}}
        cells += [cell, help] if help else [cell]
    notebook.cells = cells


def readme():
    """The README, of which the book has parts. What is no page of the book is where the course lies, or no link."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    repository = re.search(r"git clone (https://github\.com/[\w.-]+/[\w.-]+)", text)
    elsewhere = r"(?<!!)\[([^]]+)\]\((?!https?:|#|notebooks/\d)([^)]+)\)"
    return re.sub(elsewhere, rf"[\1]({repository[1]}/blob/main/\2)" if repository else r"\1", text)


def stage(language, source):
    """Write what Sphinx shall read for one language into the folder `source`."""
    shutil.copytree(of_language(BOOK, language) / "pages", source / "pages")
    (source / "README.md").write_text(readme(), encoding="utf-8")
    shutil.copytree(ROOT / ".github", source / ".github", ignore=shutil.ignore_patterns("workflows"))
    exercises = json.loads((BUILD / "exercises.json").read_text(encoding="utf-8"))
    folder = of_language(ROOT / "notebooks", language)
    notebooks = {path: nbformat.read(path, as_version=4) for path in sorted(folder.glob("[0-9]*.ipynb"))}
    places = headings(notebooks)
    front = (of_language(BOOK, language) / "index.md").read_text(encoding="utf-8")
    lessons = "\n".join(f"{short_title(notebook)} <notebooks/{path.stem}>" for path, notebook in notebooks.items())
    front = front.replace("notebooks/*\n", f"{lessons}\n")
    slides = ("../" if language == "en" else "../../") + "slides" if SLIDES.is_dir() else None
    if not slides:
        front = re.sub(r"(?m)^.*href=\"[./]*slides/.*\n", "", front)
    (source / "index.md").write_text(front, encoding="utf-8")
    (source / "notebooks").mkdir()
    for path, notebook in notebooks.items():
        for_a_page(path, notebook, places, exercises, language, slides)
        nbformat.write(notebook, source / "notebooks" / path.name)
    return list(notebooks)


def build(language):
    source = BUILD / "source" / language
    target = of_language(BUILD / "html", language)
    notebooks = stage(language, source)
    environment = os.environ | {"BOOK_LANGUAGES": json.dumps(LANGUAGES)}
    sphinx = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-E",
        "-c",
        BOOK,
        "-D",
        f"language={language}",
    ]
    done = subprocess.run([*sphinx, "-d", BUILD / "doctrees" / language, source, target], env=environment)
    if done.returncode:
        sys.exit(done.returncode)
    for path in notebooks:
        shutil.copy(path, target / "notebooks")
    for name in ("_sources", ".buildinfo", "objects.inv"):
        shutil.rmtree(target / name) if (target / name).is_dir() else (target / name).unlink(missing_ok=True)


def main():
    for folder in ("html", "source", "doctrees"):
        shutil.rmtree(BUILD / folder, ignore_errors=True)
    for language in LANGUAGES:
        build(language)
    if SLIDES.is_dir():
        shutil.copytree(SLIDES, BUILD / "html" / "slides")
    size = sum(path.stat().st_size for path in (BUILD / "html").rglob("*") if path.is_file())
    print(f"{(BUILD / 'html' / 'index.html').relative_to(ROOT)}, {size / 2**20:.0f} MB")


if __name__ == "__main__":
    main()
