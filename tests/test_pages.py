"""The pages for readers: every link in them leads somewhere, and every command that they name is there."""

import re

import pytest
from lessons import NOTEBOOKS, ROOT

PAGES = sorted(path for folder in (".", "data", "programs", "tests") for path in (ROOT / folder).glob("*.md"))


def read(path):
    return path.read_text(encoding="utf-8")


def without_blocks(text):
    """The text of a page without its blocks of code."""
    return re.sub(r"(?ms)^ *```.*?^ *```$", "", text)


def anchors(text):
    """What a link into a page can name: its headings, as GitHub writes them."""
    headings = re.findall(r"(?m)^#+ +(.+)$", without_blocks(text))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def lost_links(text, folder):
    """The links in the text of a page in `folder` that lead nowhere. (What lies in the network is not asked for.)"""
    found = []
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]+`", "", without_blocks(text))):
        path, _, anchor = link.partition("#")
        if not link.startswith("https://"):
            target = folder / path
            known = anchors(text if not path else read(target) if target.suffix == ".md" and target.exists() else "")
            if not target.exists() or (anchor and anchor not in known):
                found.append(link)
    return found


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path):
    assert lost_links(read(path), path.parent) == []


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("[a](README.md) [b](README.md#start) [c](tests/) ![d](.github/graph.png) [e](https://example.org/#e)", []),
        ("# One's `own` title\n\n[a](#ones-own-title)", []),
        ("`[a](b.md)`\n\n```\n[a](b.md)\n```", []),
        ("```\n# Title\n```\n\n[a](#title)", ["#title"]),
        ("[a](nothing.md)", ["nothing.md"]),
        ("[a](README.md#nothing)", ["README.md#nothing"]),
        ("[a](LICENSE#nothing)", ["LICENSE#nothing"]),
        ("![a](.github/nothing.png)", [".github/nothing.png"]),
    ],
)
def test_a_link_that_leads_nowhere_is_found(text, lost):
    assert lost_links(text, ROOT) == lost


def test_the_readme_links_every_notebook_once():
    links = re.findall(r"^\|.*\(notebooks/(.+?)\)", read(ROOT / "README.md"), re.MULTILINE)
    assert links == [path.name for path in NOTEBOOKS]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_of_make_is_there(path):
    targets = set(re.findall(r"(?m)^(\w+):", read(ROOT / "Makefile")))
    code = re.findall(r"(?ms)^```.*?^```$|`[^`\n]+`", read(path))
    assert {name for part in code for name in re.findall(r"(?m)(?:^|`)make (\w+)", part)} <= targets


def test_every_reader_is_sent_on_within_the_first_screen():
    first = "\n".join(read(ROOT / "README.md").splitlines()[:10])
    assert all(who in first for who in ("**To learn:**", "**To teach:**", "**To change it:**"))
