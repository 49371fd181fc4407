"""The slides in a browser: all of them fit, nothing answers on the slide that asks, and the teacher's window works."""

import ast
import re
import shutil
from urllib.parse import urlsplit

import nbformat
import pytest
import slides
from conftest import ROOT
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

LESSONS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
every_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def core(path):
    return [cell for cell in nbformat.read(path, 4).cells if "deeper" not in cell.metadata.get("tags", [])]


def figures(cells):
    return [o for cell in cells for o in cell.get("outputs", []) if "image/png" in o.get("data", {})]


@pytest.fixture
def open_deck(open_page):
    """A function that opens the slides of a notebook, at the size that they have."""

    def open_deck(path, address=None):
        address = address or slides.SLIDES.joinpath(f"{path.stem}.html").as_uri()
        page = open_page(address, viewport={"width": 1280, "height": 720})
        page.wait_for_function("window.Reveal && Reveal.isReady()")
        return page

    return open_deck


# Goes through all slides; what is wrong on one, and how large things are.
LOOK = """async () => {
    const found = [];
    for (let i = 0; i < Reveal.getTotalSlides(); i++) {
        Reveal.slide(i);
        const slide = Reveal.getCurrentSlide();
        const all = selector => [...slide.querySelector(".page").querySelectorAll(selector)];
        const size = element => parseFloat(getComputedStyle(element).fontSize);
        await Promise.all(all("img").map(img => img.decode()));
        const box = element => element.getBoundingClientRect();
        const page = box(slide.querySelector(".page"));
        const outside = element =>
            element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display != "inline" ||
            box(element).bottom > 720 || box(element).right > 1280 || box(element).left < 0 || box(element).top < 0;
        found.push({
            id: slide.id,
            whole: page.width == 1280 && page.height == 720,
            outside: all(":scope > *, li, td, pre").filter(outside).map(e => e.outerHTML.slice(0, 60)),
            smallest: Math.min(100, ...all("p, li, td, th, pre, code").map(size)),
            code: Math.min(100, ...all("pre, pre span").map(size)),
            figures: all("img.figure").map(img => Math.min(
                box(img).height / img.naturalHeight, box(img).width / img.naturalWidth)),
            no_text: all("img").filter(img => !img.alt.trim()).length,
            asks: all(".question").length,
            answered: all(".question ~ .code, .question ~ pre, .question ~ img").length,
            headings: all("h1, h2, h3").map(e => e.textContent),
            formulas: all("mjx-container").length,
            wrong: all("mjx-merror").length + /\\\\\\(|\\$\\$|\\\\\\[/.test(
                all("p, li, td, h2, h3, .math").map(e => e.textContent).join(" ")),
        });
    }
    return found;
}"""


@every_lesson
def test_every_slide_is_whole_and_can_be_read_from_the_last_row(open_deck, path):
    found = open_deck(path).evaluate(LOOK)
    cells = core(path)
    assert 20 <= len(found) <= 35
    for slide in found:
        assert slide["whole"] and not slide["outside"], slide
        assert slide["code"] >= 20 and slide["smallest"] >= 20, slide
        assert all(size >= min(slides.FIGURES) for size in slide["figures"]), slide
        assert not slide["no_text"] and not slide["wrong"], slide
        assert not (slide["asks"] and slide["answered"]) or "exercise" in slide["id"], slide
    assert sum(len(slide["figures"]) for slide in found) == len(figures(cells))
    assert sum(slide["asks"] for slide in found) == sum(cell.source.count("**Predict.**") for cell in cells)
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    assert sum(len(slide["headings"]) for slide in found) == sum(text.startswith("#") for text in texts)
    shown = "".join(part.html for slide in slides.Deck(path).slides for part in slide.parts if part.kind != "code")
    assert sum(slide["formulas"] for slide in found) == shown.count(r"\(") + shown.count(r"\[") > 5


@every_lesson
def test_all_prose_is_in_the_notes_and_all_that_is_deeper_is_left_out(path):
    deck = slides.Deck(path)
    notes = "\n\n".join(slide.notes for slide in deck.slides)
    for cell in core(path)[1:]:
        if cell.cell_type == "markdown" and not cell.id.startswith("exercise-"):
            for block in re.split(r"\n\n+", cell.source):
                assert block.startswith(("#", "|")) or block in notes, block
    deeper = {cell.id for cell in nbformat.read(path, 4).cells} - {cell.id for cell in core(path)}
    shown = {group.cell.id for slide in deck.slides for group in slide.groups}
    assert shown and not shown & deeper


def test_what_is_left_out_by_name_is_there_and_shows_nothing():
    for name, ids in slides.LEFT_OUT.items():
        cells = [cell for cell in core(ROOT / "notebooks" / f"{name}.ipynb") if cell.id in ids]
        assert len(cells) == len(ids) and not any(cell.outputs for cell in cells)


@every_lesson
def test_an_exercise_is_a_prompt_and_a_stub(path):
    deck = slides.Deck(path)
    for cell in core(path):
        if cell.id.startswith("exercise-"):
            parts = [part for slide in deck.slides for part in slide.parts if part.cell.id == cell.id]
            assert "\n\n".join(part.source for part in parts) == re.sub(r"\n{3,}", "\n\n", cell.source)
            assert {part.kind for part in parts}.isdisjoint({"output", "figure"})


def test_the_teacher_sees_notes_the_next_slide_and_a_clock(open_deck):
    """From a folder, where a window may know least of another."""
    page = open_deck(LESSONS[4])
    page.keyboard.press("ArrowRight")
    with page.context.expect_page() as opened:
        page.keyboard.press("s")
    window = opened.value
    slide = slides.Deck(LESSONS[4]).slides[1]
    first = re.match(r"\w+ \w+", slide.notes)[0]
    window.wait_for_function(
        "t => document.querySelector('.speaker-controls-notes .value').innerText.includes(t)", arg=first
    )
    assert window.locator(".speaker-controls-notes mjx-container > svg").count() == slide.notes.count("$") // 2
    assert not window.locator(".speaker-controls-notes mjx-assistive-mml").count()
    assert re.search(r"\d\d:\d\d:\d\d", window.locator(".pacing").inner_text())
    for frame in window.frames[1:]:
        frame.wait_for_function("window.Reveal && Reveal.isReady()")
    window.keyboard.press("ArrowRight")
    page.wait_for_function("Reveal.getIndices().h == 2")


def test_the_index_leads_to_all_decks_and_to_their_pdf(open_page):
    page = open_page((slides.SLIDES / "index.html").as_uri())
    links = [urlsplit(link.get_attribute("href")).path for link in page.locator("a").all()]
    wanted = [f"{path.stem}.html" for path in LESSONS]
    if slides.browser():
        wanted += [f"{path.stem}.pdf" for path in LESSONS]
    assert sorted(links) == sorted(wanted)
    assert all((slides.SLIDES / link).is_file() for link in links)


@every_lesson
@pytest.mark.skipif(not slides.browser(), reason="without Chromium there is no PDF")
def test_a_pdf_has_a_page_for_each_slide(path):
    content = (slides.SLIDES / f"{path.stem}.pdf").read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b", content)) == len(slides.Deck(path).slides)


def test_slides_are_read_below_a_path_of_a_server(open_deck, site):
    assert open_deck(LESSONS[7], f"{site}slides/{LESSONS[7].stem}.html").locator("mjx-container").count() > 20


@every_lesson
def test_the_live_notebook_runs_the_lesson_in_order(path):
    notebook = nbformat.read(slides.SLIDES / "live" / f"{path.stem}.ipynb", 4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.id for cell in code] == [cell.id for cell in core(path) if cell.cell_type == "code"]
    assert [cell.source for cell in code] == [cell.source for cell in core(path) if cell.cell_type == "code"]
    assert not any(cell.outputs for cell in code)
    # A slide that goes on with what a cell shows has nothing to run.
    begun, beginnings = set(), 0
    for slide in slides.Deck(path).slides:
        cells = {group.cell.id for group in slide.groups if group.parts}
        texts = any(group.cell.cell_type == "markdown" for group in slide.groups if group.parts)
        beginnings += bool(texts or cells - begun)
        begun |= cells
    kinds = [cell.metadata.slideshow.slide_type for cell in notebook.cells]
    assert kinds[0] == "slide" and kinds.count("slide") == beginnings > 15


# ------------------------------------------------------------------- the rules, on a lesson made for them

HEAD = """# 99 · A lesson: of rules

[Open in Colab](x)

**What is a rule?**

You will be able to

- tell.

**Builds on** nothing.

| | minutes |
|---|---|
| the lesson | 5 |
"""


def a_deck(tmp_path, *cells):
    """cells: a text, or a pair of code and the text that it prints."""
    path = tmp_path / "99_rules.ipynb"
    made = [new_markdown_cell(HEAD, id="head")]
    for i, cell in enumerate(cells):
        if isinstance(cell, str):
            made.append(new_markdown_cell(cell, id=f"cell-{i}"))
        else:
            outputs = [new_output("stream", text=cell[1])] if cell[1] else []
            made.append(new_code_cell(cell[0], id=f"cell-{i}", outputs=outputs))
    nbformat.write(new_notebook(cells=made), path)
    return slides.Deck(path)


def texts(slide):
    return [part.source for part in slide.parts]


def test_what_is_run_never_stands_below_a_question(tmp_path):
    cells = [
        "## 1. Begin",
        "**Predict.** One?",
        ("a = 1", ""),
        ("print(a)", "1"),
        "It is one.",
        "**Predict.** And two?",
    ]
    deck = a_deck(tmp_path, *cells, ("a + 1", "2"))
    assert [texts(slide) for slide in deck.slides[1:]] == [
        ["## 1. Begin", "**Predict.** One?"],
        ["a = 1", "print(a)", "1", "It is one."],
        ["**Predict.** And two?"],
        ["a + 1", "2"],
    ]
    assert deck.slides[2].notes == "It is one."


def test_more_questions_than_slides_share_them_and_still_do_not_answer(tmp_path, monkeypatch):
    cells = [cell for i in range(10) for cell in (f"**Predict.** What is {i}?", (f"print({i})", f"{i}"))]
    assert len(a_deck(tmp_path, *cells).slides) == 21
    monkeypatch.setattr(slides, "MOST", 14)
    deck = a_deck(tmp_path, *cells)
    assert len(deck.slides) == 14
    for slide in deck.slides:
        kinds = [part.kind for part in slide.parts]
        assert "question" not in kinds or kinds[-1] == "question"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Begin here. This is a **word**, defined. The rest is said.", "Begin here. This is a **word**, defined."),
        ("Here. Begin there. This is a **word**. The rest is said.", "Here. Begin there. This is a **word**."),
        (
            "Said. Also. Nor this. But it *doubles* the `*a`. And $a*b$.",
            "Nor this. But it *doubles* the `*a`.",
        ),
        ("It is said. Why is it so? Because.", "It is said. Why is it so?"),
        ("It is said, with $a. B$ and `c. D` in it. All of it.", None),
        ("Not this. Not that. Nor this. But this one leads to\n\n$$x = 1$$", "Nor this. But this one leads to"),
        (
            "Said. Also. Write $u = 1$. With $v = u$ too. By it, $f = u$. So\n\n$$x = 1$$",
            "Write $u = 1$. With $v = u$ too. By it, $f = u$. So",
        ),
        ("It is said. Let it be. Said.", "It is said. Let it be."),
        ("How? By this. Then *that*. Said.", "How? By this. Then *that*."),
        ("It is *one*. It is said. By this. Then *that*.", "It is *one*. It is said. By this. Then *that*."),
        ("Said. Nor this. Go by 1, ... 359 degrees. It is a **word**.", "Go by 1, ... 359 degrees. It is a **word**."),
        ("By threes. **Guess** it. **Run** it. Then *that*.", "By threes. **Guess** it. **Run** it. Then *that*."),
        ("- One. More of it.\n- Two, e.g. this", "- One.\n- Two, e.g. this"),
        ("| a | b |\n|---|---|\n| c | d |", "| a | b |\n|---|---|\n| c | d |"),
    ],
)
def test_what_stays_of_prose(tmp_path, text, seen):
    last = a_deck(tmp_path, "## 1. Begin", text).slides[-1]
    assert last.notes == ("" if text.startswith("|") else text)
    assert texts(last)[1:2] == ([seen] if seen else [])


def test_what_is_too_long_begins_the_next_slide_and_what_only_proves_is_a_note(tmp_path):
    functions = "\n\n\n".join(f"def f{i}():\n    return {i}" for i in range(20))
    proof = "x = 1\nassert x == 1, 'one'"
    deck = a_deck(tmp_path, "## 1. Begin", (functions, ""), (proof, ""), "**Predict.** Is it?", (proof, ""))
    assert all(sum(part.height() for part in slide.parts) <= slides.ROOM for slide in deck.slides)
    shown = [source for slide in deck.slides[1:] for source in texts(slide)]
    pieces = [source for source in shown if source.startswith("def f")]
    assert len(pieces) > 1 and "\n\n".join(pieces) == functions.replace("\n\n\n", "\n\n")
    assert shown.count(proof) == 1 and shown[-1] == proof
    assert "assertion" in "".join(slide.notes for slide in deck.slides)


def test_an_answer_a_question_and_a_heading_do_not_stand_alone(tmp_path):
    about = "Two. As said. And no more.\n\nNor this."
    cells = ["**Predict.** One and one?", ("1 + 1", "2"), about, ("2 + 2", "4"), "Not this. Four. So far."]
    deck = a_deck(tmp_path, "## 1. Begin\n\nIt adds. It does. Not this.", ("1", "1"), *cells, "**Predict.** Now?")
    assert [texts(slide) for slide in deck.slides[1:]] == [
        ["## 1. Begin", "It adds. It does.", "1", "1"],
        ["**Predict.** One and one?"],
        ["1 + 1", "2", "Two. As said.", "2 + 2", "4"],
        ["Four. So far.", "**Predict.** Now?"],
    ]


def test_nothing_more_is_said_where_there_is_no_room(tmp_path):
    full = "\n\n\n".join(f"x{i} = {i}" for i in range(11))
    deck = a_deck(tmp_path, "## 1. Begin", "**Predict.** All?", (full, "2"), "It is said. " + "Much " * 40)
    assert [part.kind for part in deck.slides[-1].parts] == ["code", "output"]


def test_a_long_function_is_its_head_and_docstring(tmp_path):
    body = "\n".join(f"    x{i} = {i}" for i in range(slides.LONG))
    deck = a_deck(tmp_path, (f'def f():\n    """What it does."""\n{body}\n\n\nprint(f())', "None"))
    code = texts(deck.slides[-1])[0]
    assert code == 'def f():\n    """What it does."""\n    ...\n\nprint(f())'
    ast.parse(code)


def test_a_folder_without_chromium_has_slides_and_no_pdf(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(slides, "SLIDES", tmp_path / "slides")
    monkeypatch.setattr(slides, "NOTEBOOKS", tmp_path)
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    shutil.copy(LESSONS[0], tmp_path)
    slides.main()
    written = {path.name for path in (tmp_path / "slides").iterdir()}
    assert {"index.html", f"{LESSONS[0].stem}.html"} <= written and not any(name.endswith(".pdf") for name in written)
    assert "there is no PDF" in capsys.readouterr().out
