"""A notebook is a lesson of fifty minutes and, behind its recap, deeper sections of 5 to 20 minutes, in any order.

That they can be run in any order is tested by test_order.
"""

import copy
import math
import re

import nbformat
import pytest
from lessons import FIRST_LINE, NOTEBOOKS, core, deeper, is_deeper, needed, read, title

from helpers import exercises as course

# What a class takes in within fifty minutes
MOST = {"words": 2500, "code cells": 45, "exercises": 3, "minutes": 50}
LEAST_EXERCISES = 2
MOST_WORDS_IN_ALL = 4800
SECTION_MINUTES = range(5, 21)


def size(cells):
    """Words, code cells, exercises and minutes of some cells; the set-up does not count.

    Minutes: 150 words each, half a one to predict, a quarter to run a cell and look at it, five for an exercise.
    """
    text = [cell.source for cell in cells if cell.cell_type == "markdown"]
    code = [c.source for c in cells if c.cell_type == "code" and c.id not in ("setup", "imports")]
    words = sum(len(source.split()) for source in text)
    predictions = sum(source.count("**Predict.**") for source in text)
    exercises = sum(bool(re.search(r"^check\(", source, re.M)) for source in code)
    minutes = words / 150 + predictions / 2 + len(code) / 4 + 5 * exercises
    return {"words": words, "code cells": len(code), "exercises": exercises, "minutes": minutes}


def said(minutes):
    """Minutes as a reader wants to hear them: in steps of five, rounded up."""
    return max(5, 5 * math.ceil(minutes / 5 - 1e-9))


def faults(notebook):
    """What is wrong with the lesson in a notebook, as a list of sentences."""
    found = []
    lesson, sections = core(notebook), deeper(notebook)
    if [is_deeper(cell) for cell in notebook.cells] != sorted(map(is_deeper, notebook.cells)):
        found.append("a cell of the core stands behind a deeper one")
    if lesson[-1].id != "recap":
        found.append("the core does not end with the recap")
    facts = size(lesson)
    found += [f"the core has {facts[k]:.0f} {k}, {MOST[k]} at most" for k in MOST if facts[k] > MOST[k]]
    if facts["exercises"] < LEAST_EXERCISES:
        found.append(f"the core has {facts['exercises']} exercises, at least {LEAST_EXERCISES}")
    words = size(notebook.cells)["words"]
    if words > MOST_WORDS_IN_ALL:
        found.append(f"there are {words} words in all, {MOST_WORDS_IN_ALL} at most")
    table = f"| | minutes |\n|---|---|\n| the lesson | {said(facts['minutes'])} |\n"
    for name, cells in sections.items():
        line, minutes = FIRST_LINE.match(cells[0].source), said(size(cells)["minutes"])
        table += f"| deeper: {name} | {minutes} |\n"
        if not line or int(line["minutes"]) != minutes:
            start = (
                f"## Deeper: {name}\n\n*{minutes} minutes[, with an exercise]. Needs the core of this notebook[ ...].*"
            )
            found.append(f"a deeper section does not begin with {start!r}")
        if minutes not in SECTION_MINUTES:
            found.append(f"{name!r} takes {minutes} minutes, {SECTION_MINUTES[-1]} at most")
        missing = [other for other in needed(cells) if other not in sections]
        found += [f"{name!r} needs {other!r}, which is not there" for other in missing]
    if table not in notebook.cells[0].source + "\n":
        found.append(f"the head does not have the table\n{table}")
    for cell in notebook.cells:
        without_code = re.sub(r"(?s)```.*?```", "", cell.source)
        if cell.cell_type == "markdown" and re.search(r"(?s).\n#{2,} ", without_code):
            found.append(f"cell {cell.id} has a heading that does not begin it")
    return found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_a_lesson_and_more(path):
    found = faults(nbformat.read(path, as_version=4))
    assert not found, "\n".join(found)


@pytest.fixture(scope="module")
def a_lesson():
    return read("01")


def first_deeper(notebook):
    return next(cell for cell in notebook.cells if is_deeper(cell))


def append(cell, text):
    cell.source += text


def move_a_core_cell_behind(notebook):
    notebook.cells.append(notebook.cells.pop(5))


# How a lesson can be wrong, and the words that must say so
FAULTS = [
    ("behind a deeper one", move_a_core_cell_behind),
    ("end with the recap", lambda nb: core(nb)[-1].update(id="end")),
    ("minutes, 50 at most", lambda nb: append(nb.cells[3], "\n\n**Predict.**" * 100)),
    ("words, 2500 at most", lambda nb: append(nb.cells[3], " word" * 2500)),
    ("words in all", lambda nb: append(first_deeper(nb), " word" * 4800)),
    (
        "exercises, at least 2",
        lambda nb: [cell.update(source=cell.source.replace("check(", "print(")) for cell in core(nb)],
    ),
    (
        "exercises, 3 at most",
        lambda nb: [cell.update(source="check(1)") for cell in core(nb)[4:] if cell.cell_type == "code"],
    ),
    ("code cells, 45 at most", lambda nb: nb.cells.__setitem__(slice(4, 4), [nbformat.v4.new_code_cell("1")] * 45)),
    ("does not begin with", lambda nb: first_deeper(nb).update(source="## Deeper: Alone")),
    (
        "does not begin with",
        lambda nb: first_deeper(nb).update(source=re.sub(r"\*\d+ minutes", "*3 minutes", first_deeper(nb).source)),
    ),
    ("20 at most", lambda nb: append(first_deeper(nb), " word" * 3000)),
    (
        "which is not there",
        lambda nb: first_deeper(nb).update(
            source=first_deeper(nb).source.replace("this notebook", 'this notebook and "Nothing"', 1)
        ),
    ),
    (
        "does not have the table",
        lambda nb: nb.cells[0].update(source=nb.cells[0].source.replace("| the lesson |", "| lesson |")),
    ),
    ("does not begin it", lambda nb: append(nb.cells[3], "\n\n### A heading")),
]


@pytest.mark.parametrize(("words", "fault"), FAULTS)
def test_a_fault_in_a_lesson_is_found(a_lesson, words, fault):
    notebook = copy.deepcopy(a_lesson)
    fault(notebook)
    assert any(words in sentence for sentence in faults(notebook))


# References

# 02, "A title" · 02, deeper: "A title" · section "A title" · deeper: "A title"
REFERENCE = re.compile(
    r'(?:(?<![\d.])(?P<number>\d\d), (?P<far>deeper: )?|\bsections? |(?P<near>\bdeeper: ))"(?P<title>[^"]+)"',
    re.IGNORECASE,
)
BY_NUMBER = re.compile(r"\bsections? \d|§ ?\d", re.IGNORECASE)


def titles(notebook):
    """The titles of a notebook: those of the core, and those of its deeper sections."""
    headings = [c for c in notebook.cells if c.cell_type == "markdown" and c.source.startswith("##")]
    near = {title(cell.source) for cell in headings if not is_deeper(cell)}
    return near, {title(cell.source) for cell in headings if is_deeper(cell)}


def lost(text, number, known):
    """The references in a text of notebook `number` that lead nowhere. known: by number, what `titles` gives."""
    found = [match[0] for match in BY_NUMBER.finditer(text)]
    for match in REFERENCE.finditer(text):
        near, far = known.get(match["number"] or number, (set(), set()))
        if match["title"] not in (far if match["far"] or match["near"] else near):
            found.append(match[0])
    return found


def texts_of(number):
    """Every text of a notebook and of its exercises, with the name of its place."""
    for cell in read(number).cells:
        if cell.cell_type == "markdown":
            yield cell.id, cell.source
    for exercise in course.exercises(number):
        for text in exercise.texts:
            yield exercise.name, text.words


def test_every_reference_leads_to_a_section():
    known = {number: titles(read(number)) for number in course.notebooks()}
    lead_nowhere = [
        (number, place, reference)
        for number in course.notebooks()
        for place, text in texts_of(number)
        for reference in lost(text, number, known)
    ]
    assert lead_nowhere == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('02, "Here"', []),
        ('02, deeper: "There"', []),
        ('see 02, "There"', ['02, "There"']),
        ('02, deeper: "Here"', ['02, deeper: "Here"']),
        ('03, "Here"', ['03, "Here"']),
        ('section "Mine" and section "Here"', ['section "Here"']),
        ('Deeper: "Mine"', ['Deeper: "Mine"']),
        ("as in section 4, or in § 5", ["section 4", "§ 5"]),
        ('the word "mine", in 2026, "so", and lr 0.01, "so"', []),
    ],
)
def test_a_reference_that_leads_nowhere_is_found(text, found):
    known = {"01": ({"Mine"}, set()), "02": ({"Here"}, {"There"})}
    assert sorted(lost(text, "01", known)) == sorted(found)
