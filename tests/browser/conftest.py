"""Headless Chromium opens the built book: `make browser` builds the book, and runs these tests in its environment.

Fixtures for the tests here, beside those of pytest-playwright (`new_context`, `--headed`, `--slowmo`, `--tracing`):

    site       where the built folder is served on this machine, as on GitHub Pages below a path: f"{site}index.html"
    open_page  open_page(address, **options) is a page of the browser, its options those of playwright's new_context
    page       such a page, 1280 x 800, not opened yet
    ask_torch  ask_torch(code) runs Python in the course's own environment, which has PyTorch and the helpers
               (the environment of the book has neither), and returns what the code printed as JSON

Every page is watched: at the end of a test, an error in its console, an exception that nobody caught, an answer that is
an error, or a request that leaves this machine fails the test.
"""

import functools
import http.server
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "book" / "_build" / "html"
sys.path.insert(0, str(ROOT / "book"))
import slides  # noqa: E402

PATH = "/some/course/"  # GitHub Pages serves a repository below a path


class BelowAPath(http.server.SimpleHTTPRequestHandler):
    """Serves the built folder below PATH, and nothing else, without a word for each file."""

    def translate_path(self, path):
        return super().translate_path("/" + path.removeprefix(PATH) if path.startswith(PATH) else "/nowhere")

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="session")
def site():
    if not (BUILT / "index.html").is_file():
        pytest.fail("There is no book yet: make book")
    handler = functools.partial(BelowAPath, directory=BUILT)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}{PATH}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    """The Chromium or Chrome that this machine has; where it has none, the one that `playwright install` fetched."""
    found = slides.browser()
    return browser_type_launch_args | ({"executable_path": found} if found else {})


@pytest.fixture
def watched(new_context):
    """A function that opens a context (with the options of playwright's new_context) whose pages are watched."""
    faults = []

    def is_here(address):
        return address.startswith(("http://127.0.0.1:", "file:", "data:", "blob:", "about:"))

    def watched(**options):
        context = new_context(**({"viewport": {"width": 1280, "height": 800}} | options))
        # Nothing leaves, and what would have left is told.
        context.route(lambda address: not is_here(address), lambda route: route.abort())
        context.on("request", lambda r: is_here(r.url) or faults.append(f"a request to the outside: {r.url}"))
        context.on("response", lambda r: r.status < 400 or faults.append(f"{r.status} for {r.url}"))
        context.on("console", lambda m: m.type != "error" or faults.append(f"{m.page.url}, console: {m.text}"))
        context.on("weberror", lambda e: faults.append(f"{e.page.url}, exception: {e.error}"))
        return context

    yield watched
    assert not faults, "\n".join(faults)


@pytest.fixture
def open_page(watched):
    def open_page(address, **options):
        page = watched(**options).new_page()
        page.goto(address)
        return page

    return open_page


@pytest.fixture
def page(watched):
    return watched().new_page()


@pytest.fixture(scope="session")
def ask_torch():
    python = ROOT / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    quiet = os.environ | {"COURSE_DEVICE": "cpu", "COURSE_PROGRESS": "off", "OMP_NUM_THREADS": "1"}

    def ask_torch(code):
        done = subprocess.run([python, "-c", code], cwd=ROOT, env=quiet, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return ask_torch
