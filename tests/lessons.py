"""How the tests read the notebooks: their cells, and the parts of a lesson."""

import re
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def read(number):
    """The notebook of that number, "00" and so on."""
    (path,) = (path for path in NOTEBOOKS if path.name.startswith(f"{number}_"))
    return nbformat.read(path, as_version=4)


def is_deeper(cell):
    return "deeper" in cell.metadata.get("tags", [])


def title(source):
    """The title in a heading, without its number: `## 1. A line` gives "A line", `## Deeper: A line` too."""
    heading = re.match(r"#+ +(.*)", source)
    return heading and re.sub(r"^(\d+\. |Deeper: )", "", heading[1]).strip()


def core(notebook):
    """The cells of the lesson."""
    return [cell for cell in notebook.cells if not is_deeper(cell)]


def deeper(notebook):
    """The deeper sections: their cells by their title. The first may have none, where a heading is missing."""
    sections = {}
    for cell in filter(is_deeper, notebook.cells):
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            sections[title(cell.source)] = []
        sections.setdefault(list(sections)[-1] if sections else None, []).append(cell)
    return sections


# What stands below the title of a deeper section: its minutes, and what it needs.
FIRST_LINE = re.compile(
    r"## Deeper: .+\n\n\*(?P<minutes>\d+) minutes(?:, .+?)?\. Needs the core of this notebook(?P<more>.*)\.\*(\n|$)"
)


def needed(cells):
    """The titles of the deeper sections that the one with these cells needs: those in quotes in its first line."""
    line = FIRST_LINE.match(cells[0].source)
    return re.findall(r'"([^"]+)"', line["more"]) if line else []
