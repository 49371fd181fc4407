"""The book in a browser, from a web server below a path and from a folder: what it shows, and where its links lead."""

import json
import re
import shutil
import subprocess
import sys
from urllib.parse import unquote, urldefrag

import nbformat
import pytest
from bs4 import BeautifulSoup
from conftest import BUILT, ROOT
from playwright.sync_api import expect

PAGES = sorted(
    path.relative_to(BUILT).as_posix()
    for path in BUILT.rglob("*.html")
    if not {"slides", "_static"} & set(path.relative_to(BUILT).parts)
)
LESSONS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))


def cells(path, kind="code"):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def is_deeper(cell):
    return "deeper" in cell.metadata.get("tags", [])


def page_of(path):
    return f"notebooks/{path.stem}.html"


def wait_for_formulas(page):
    page.wait_for_function("!window.MathJax || (MathJax.startup && MathJax.startup.promise)")
    page.evaluate("window.MathJax && MathJax.startup.promise")


# What no reader may meet on a page, each with what is found of it
FAULTS = """() => {
    const all = selector => [...document.querySelectorAll(selector)];
    const text = element => `${element.tagName} ${element.className} ${element.textContent.trim().slice(0, 40)}`;
    const seen = element => element.checkVisibility({ visibilityProperty: true });
    // An element may be wider than the screen inside one that scrolls
    const scrolls = element => element && (
        (["auto", "scroll"].includes(getComputedStyle(element).overflowX) && fits(element)) || scrolls(element.parentElement)
    );
    const fits = element => {
        const box = element.getBoundingClientRect();
        return box.left >= -1 && box.right <= innerWidth + 1;
    };
    const wide = all(".bd-article *").filter(e => seen(e) && !fits(e) && !scrolls(e.parentElement));
    return {
        "formulas not rendered": all(".math").filter(e => !e.querySelector("mjx-container")).map(text),
        "formulas with an error": all("mjx-merror, [data-mjx-error]").map(text),
        "pictures not there": all("img").filter(e => seen(e) && !e.naturalWidth).map(e => e.src),
        "pictures without a text": all("img").filter(e => !e.alt.trim() || /\\.png$/.test(e.alt)).map(e => e.src),
        "cut off at the side": wide.map(text),
        "wider than the screen": document.documentElement.scrollWidth > innerWidth ? ["the page"] : [],
        "without a title": document.title && all("h1").length ? [] : ["the page"],
    };
}"""


def faults(page):
    wait_for_formulas(page)
    page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    return {fault: found for fault, found in page.evaluate(FAULTS).items() if found}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_on_a_laptop_from_a_server(name, open_page, site):
    assert faults(open_page(site + name)) == {}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_on_a_phone_from_a_folder(name, open_page):
    phone = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}
    page = open_page((BUILT / name).as_uri(), **phone)
    assert faults(page) == {}
    assert page.locator("html").get_attribute("data-theme") == "dark"


def test_a_fault_on_a_page_is_found(open_page, site):
    page = open_page(site + page_of(LESSONS[1]))
    wait_for_formulas(page)
    page.evaluate("""() => {
        const article = document.querySelector(".bd-article section");
        article.insertAdjacentHTML("beforeend", "<span class='math'>x</span> <mjx-merror>y</mjx-merror>");
        article.insertAdjacentHTML("beforeend", "<img src='data:,' alt=''> <p style='width: 3000px'>wide</p>");
    }""")
    said = {"formulas not rendered", "formulas with an error", "pictures without a text", "pictures not there"}
    assert set(faults(page)) == said | {"cut off at the side", "wider than the screen"}


def test_every_link_inside_the_book_leads_somewhere():
    soups = {name: BeautifulSoup((BUILT / name).read_bytes(), "html.parser") for name in PAGES}
    anchors = {
        BUILT / name: {e.get("id") or e.get("name") for e in soup.find_all(True)} for name, soup in soups.items()
    }
    lost, count = [], 0
    for name, soup in soups.items():
        for element in soup.find_all(["a", "img", "script", "link", "source", "iframe"]):
            address = element.get("href") or element.get("src") or ""
            if element.name == "a" and re.match(r"https?://|mailto:", address):
                continue  # a reader may leave; a page may not fetch
            path, anchor = urldefrag(address)
            target = ((BUILT / name).parent / unquote(path.partition("?")[0])).resolve() if path else BUILT / name
            there = target.is_file() or (target / "index.html").is_file()
            known = anchors.get(target)
            if not there or (anchor and known is not None and unquote(anchor) not in known):
                lost.append((name, address))
            count += bool(path)
    assert lost == [] and count > 100


def results(page):
    expect(page.locator("#search-results .search-summary")).to_contain_text("Search finished")
    return [link.get_attribute("href") for link in page.locator("#search-results ul.search > li > a").all()]


def test_the_search_finds_words_of_the_text_and_of_the_code(page, site):
    page.goto(site + page_of(LESSONS[5]))
    page.keyboard.press("Control+k")
    page.keyboard.type("overfitting")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=overfitting*")
    assert any("02_gradient_descent" in address for address in results(page))
    page.goto(f"{site}search.html?q=retain_grad")
    assert any("01_autograd" in address for address in results(page))
    page.locator("#search-results ul.search > li > a", has_text="Autograd").first.click()
    page.wait_for_url("**/01_autograd.html*")


def test_the_search_answers_from_a_folder_too(open_page):
    page = open_page(f"{(BUILT / 'search.html').as_uri()}?q=overfitting")
    assert any("02_gradient_descent" in address for address in results(page))


def test_a_word_that_is_nowhere_is_not_found(page, site):
    page.goto(f"{site}search.html?q=crocodile")
    expect(page.locator("#search-results")).to_contain_text("did not match any documents")
    assert page.locator("#search-results ul.search > li").count() == 0


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_the_download_is_the_notebook_byte_for_byte(path, page, site, tmp_path):
    page.goto(site + page_of(path))
    with page.expect_download() as download:
        page.locator("p.ways a[download]").click()
    assert download.value.suggested_filename == path.name
    download.value.save_as(tmp_path / "downloaded")
    assert (tmp_path / "downloaded").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_cell_of_the_notebook_is_on_the_page(path):
    """Each source, each figure with its text, each deeper section behind the recap; no answer in the stub's place."""
    soup = BeautifulSoup((BUILT / page_of(path)).read_bytes(), "html.parser")
    shown = [
        block.get_text().strip() for block in soup.select("div.cell > .cell_input, div.cell > details .cell_input")
    ]
    assert shown == [cell.source.strip() for cell in cells(path)]
    texts = [cell.metadata["alt"] for cell in cells(path) if "alt" in cell.metadata]
    assert [image["alt"] for image in soup.select("div.cell_output img")] == texts
    titles = [c.source for c in cells(path, "markdown") if is_deeper(c) and c.source.startswith("## ")]
    deeper = soup.select("section.deeper")
    assert len(deeper) == len(titles)
    assert all(section.find_previous("section", id="recap") for section in deeper)
    exercises = [cell.id for cell in cells(path) if cell.id.startswith("exercise-")]
    boxes = soup.select(".help")
    assert len(boxes) == len(exercises)
    told = json.loads((ROOT / "book" / "_build" / "exercises.json").read_text(encoding="utf-8"))
    for name, box in zip(exercises, boxes, strict=True):
        exercise = told[name.removeprefix("exercise-").replace("-", "_")]
        assert [hint.get_text() for hint in box.select("details > p")] == exercise["hints"]
        assert box.select("pre")[-1].get_text().strip() == exercise["solution"].strip()


def test_hints_open_one_by_one_and_no_answer_is_shown_before_it_is_asked_for(page, site):
    page.goto(site + page_of(LESSONS[1]))
    box = page.locator("section:has(> #exercise-walk-down-text) .help, section#exercise-walk-down-text > .help")
    hints, answer = box.locator("details > p"), box.locator("pre")
    expect(hints).to_have_count(3)
    expect(box.locator("summary:visible")).to_have_text(["Hint 1 of 3", "One right answer"])
    for opened in range(3):
        expect(box.locator("details > p:visible")).to_have_count(opened)
        box.get_by_text(f"Hint {opened + 1} of 3").focus()
        page.keyboard.press("Enter")
    expect(hints.last).to_be_visible()
    expect(answer).to_be_hidden()
    box.get_by_text("One right answer").click()
    expect(answer).to_be_visible()
    expect(answer).to_contain_text("def walk_down")


def test_the_pages_are_dark_or_light_as_one_likes_and_text_stays_legible(page, site):
    page.goto(site + page_of(LESSONS[2]))
    ratios = """() => {
        const rgb = color => color.match(/[\\d.]+/g).map(Number);
        const light = color => rgb(color).slice(0, 3).map(c => c / 255)
            .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
            .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
        const behind = e => { const c = getComputedStyle(e).backgroundColor;
            return rgb(c)[3] === 0 && e.parentElement ? behind(e.parentElement) : c; };
        const words = [".bd-article p", "section.deeper > h2", "section:has(> .help) > h3", ".help summary", ".bd-article pre",
            ".bd-article pre .k", ".bd-article pre .c1", ".bd-article pre .s2", "p.ways a", ".bd-article table a"];
        return words.map(w => [w, document.querySelector(w)]).map(([w, e]) => {
            const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((a, b) => b - a);
            return [w, (a + 0.05) / (b + 0.05)];
        });
    }"""
    for mode, theme in (("System Settings", "light"), ("Dark", "dark"), ("Light", "light")):
        page.get_by_role("button", name="Color mode").click()
        page.get_by_role("button", name=mode).click()
        assert page.locator("html").get_attribute("data-theme") == theme
        assert [(words, ratio) for words, ratio in page.evaluate(ratios) if ratio < 4.5] == []


def test_88_columns_of_code_are_seen_whole_on_a_laptop(page, site):
    page.goto(site + page_of(LESSONS[2]))
    widest = page.evaluate("""() => [...document.querySelectorAll(".cell_input pre")]
        .filter(pre => pre.checkVisibility() && pre.scrollWidth > pre.clientWidth).map(pre => pre.textContent)""")
    assert widest == []


def test_paper_has_the_lesson_and_nothing_to_click(open_page, site):
    page = open_page(site + page_of(LESSONS[1]), viewport={"width": 720, "height": 1000}, color_scheme="dark")
    page.emulate_media(media="print")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    for selector in (
        ".bd-sidebar-primary",
        ".bd-sidebar-secondary",
        ".bd-header-article",
        "p.ways",
        ".prev-next-footer",
    ):
        assert not page.locator(selector).first.is_visible(), selector
    assert page.locator("section#recap").is_visible()
    assert "cut off at the side" not in faults(page)
    page.emulate_media(media="screen")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def headings_only(text):
    """The text of a notebook with nothing in it but the cells that begin with a heading."""
    notebook = nbformat.reads(text, as_version=4)
    notebook.cells = [c for c in notebook.cells if c.cell_type == "markdown" and c.source.startswith("#")]
    return nbformat.writes(notebook)


@pytest.fixture(scope="session")
def other_course(tmp_path_factory):
    """The book of a stamped course, in two languages, for a class that shall not see the solutions; only 01 is whole."""
    course = tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "book", course / "book", ignore=shutil.ignore_patterns("node_modules", "_build"))
    (course / "book" / "node_modules").symlink_to(ROOT / "book" / "node_modules", target_is_directory=True)
    shutil.copytree(ROOT / ".github", course / ".github")
    stamp = "<owner>/<repo>", "school/course"
    readme = (ROOT / "README.md").read_text(encoding="utf-8").replace(*stamp)
    (course / "README.md").write_text(readme, encoding="utf-8")
    for folder in (course / "notebooks", course / "notebooks" / "ko"):
        folder.mkdir()
        for path in LESSONS:
            text = path.read_text(encoding="utf-8").replace(*stamp)
            (folder / path.name).write_text(text if path == LESSONS[1] else headings_only(text), encoding="utf-8")
    for part in ("pages", "index.md"):
        source, target = course / "book" / part, course / "book" / "ko" / part
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    told = json.loads((ROOT / "book" / "_build" / "exercises.json").read_text(encoding="utf-8"))
    (course / "book" / "_build").mkdir()
    without = {name: exercise | {"solution": None} for name, exercise in told.items()}
    (course / "book" / "_build" / "exercises.json").write_text(json.dumps(without), encoding="utf-8")
    program = (
        "import sys; sys.path.insert(0, 'book'); import build; build.LANGUAGES['ko'] = '한국어'; "
        "build.WORDS['ko'] = build.WORDS['en']; build.main()"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=course, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return course / "book" / "_build" / "html"


def test_each_page_leads_to_its_twin_in_the_other_language(other_course, open_page):
    for name in ("index.html", "notebooks/01_autograd.html", "pages/at_home.html"):
        page = open_page((other_course / name).as_uri(), locale="ko")
        page.get_by_role("link", name="한국어").first.click()
        page.wait_for_url(f"**/html/ko/{name}")
        assert page.locator("html").get_attribute("lang") == "ko"
        page.get_by_role("link", name="English").first.click()
        page.wait_for_url(f"**/html/{name}")
        assert page.locator("html").get_attribute("lang") == "en"


def test_a_stamped_course_opens_in_its_own_colab_and_hides_the_solutions_it_is_told_to(other_course, open_page):
    page = open_page((other_course / "notebooks" / "01_autograd.html").as_uri())
    colab = page.get_by_role("link", name="Open in Colab")
    address = "https://colab.research.google.com/github/school/course/blob/main/notebooks/01_autograd.ipynb"
    assert colab.get_attribute("href") == address
    assert page.locator(".help").count() == 5
    assert page.locator(".help pre").count() == 0 and page.get_by_text("One right answer").count() == 0


def test_a_course_without_an_address_leads_to_nobodys_colab(page, site):
    stamped = "/blob/" in (ROOT / "notebooks" / LESSONS[1].name).read_text(encoding="utf-8").split("<owner>/<repo>")[0]
    page.goto(site + page_of(LESSONS[1]))
    assert page.get_by_role("link", name="Open in Colab").count() == int(stamped)
