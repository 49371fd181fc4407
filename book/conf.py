"""What Sphinx must know to make the book; build.py calls it."""

import json
import os
import re
import shutil
from pathlib import Path

from docutils import nodes

BOOK = Path(__file__).resolve().parent
ROOT = BOOK.parent

project = html_title = "One Gradient at a Time"
author = copyright = "the authors"
extensions = ["myst_nb", "sphinx_copybutton"]
exclude_patterns = ["README.md"]

nb_execution_mode = "off"  # the stored outputs are the tested ones
nb_merge_streams = True
myst_enable_extensions = ["attrs_block", "colon_fence", "dollarmath"]
myst_heading_anchors = 4

html_theme = "sphinx_book_theme"
html_static_path = ["_static"]
html_css_files = ["course.css"]
html_js_files = ["course.js"]
templates_path = ["_templates"]
html_copy_source = False
html_use_index = False
html_show_sourcelink = False
html_show_copyright = html_show_sphinx = False
html_sidebars = {"**": ["navbar-logo.html", "languages.html", "search-button-field.html", "sbt-sidebar-nav.html"]}
html_context = {"default_mode": "auto"}  # dark or light: as the reader's system, until they press the button
copybutton_selector = "div.cell_input div.highlight pre, div.highlight-python pre"

# Where the course has an address, a button leads there.
repository = re.search(r"github\.com/([\w.-]+/[\w.-]+) course", (ROOT / "README.md").read_text(encoding="utf-8"))
html_theme_options = {
    "home_page_in_toc": True,
    "use_download_button": False,  # it would give Sphinx's copy of a notebook; the page links to the notebook itself
    "navbar_persistent": [],  # a second field for the search
    "footer_content_items": [],
    "use_repository_button": bool(repository),
    "repository_url": f"https://github.com/{repository[1]}" if repository else "",
}

# MathJax lies beside the pages. Its menu would fetch more of it.
mathjax_path = "mathjax/tex-chtml.js"
mathjax3_config = {"options": {"enableMenu": False}}
MATHJAX = ("tex-chtml.js", "output/chtml/fonts/woff-v2")


def add_mathjax(app, error):
    es5, there = BOOK / "node_modules" / "mathjax" / "es5", app.outdir / "_static" / "mathjax"
    for name in MATHJAX:
        (there / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(es5 / name, there / name) if (es5 / name).is_file() else shutil.copytree(es5 / name, there / name)


def keep_signs(app, document, name):
    """Lets no line begin with the full stop behind a formula: a browser may break a line there, and does."""
    for formula in list(document.findall(nodes.math)):
        behind = formula.next_node(descend=False, siblings=True)
        sign = isinstance(behind, nodes.Text) and re.match(r"[.,;:!?)\]”’%]+", behind)
        if sign:
            text = nodes.inline("", "", formula.deepcopy(), nodes.Text(sign[0]), classes=["with-its-sign"])
            behind.parent.replace(behind, nodes.Text(behind[sign.end() :]))
            formula.parent.replace(formula, text)


def add_languages(app, page, template, context, doctree):
    """The links from a page to the same page in the other languages."""
    names = json.loads(os.environ["BOOK_LANGUAGES"])
    here = app.config.language
    root = "" if here == "en" else "../"
    context["languages"] = [
        (code, name, context["pathto"](f"{root}{'' if code == 'en' else code + '/'}{page}.html", resource=True))
        for code, name in names.items()
        if code != here
    ]


def setup(app):
    app.connect("build-finished", add_mathjax)
    app.connect("doctree-resolved", keep_signs)
    app.connect("html-page-context", add_languages)
