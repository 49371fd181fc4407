"""Write the set-up cell into all notebooks, and the address of this copy of the course into them and the README.

Usage: badges.py --repo owner/name [--ref main]   (a branch or a tag)
       badges.py                                  (the cell, with the address that is stamped now; prints that)

The cell is tools/setup_cell.py. The address stands in the links to Colab, and in the cell, which fetches the course there.
"""

import argparse
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# JupyterLab folds the cell away, Colab shows it as a form with its title.
FOLDED = {"cellView": "form", "jupyter": {"source_hidden": True}}
PLACES = [
    "colab.research.google.com/github/{repo}/blob/{ref}/",
    r"REPO, REF = \"{repo}\", \"{ref}\"",  # the first code cell, as JSON
    "git clone https://github.com/{repo}",
]

# The first line of the README below its title leads to the book, which the workflow `publish` puts there.
BOOK = "**[Read it as a book]({site})**, in your browser: nothing to install, and slides for class."
NO_BOOK = (
    "*This copy has no address yet: `make badges REPO=owner/name` gives it one, and a link to its book stands here.*"
)
FIRST_LINE = r"(\A# [^\r\n]+\s+)(?:\*\*\[Read it as a book\]|\*This copy has no address)[^\r\n]*"


def pattern(place):
    """The regular expression of a place with any address in it, or with the unstamped <owner>/<repo>."""
    place = re.escape(place).replace(r"\{repo\}", r"(?P<repo>[\w.<>-]+/[\w.<>-]+)")
    return place.replace(r"\{ref\}", r"(?P<ref>[\w.-]+)")


def stamp(text, repo, ref):
    """`text` with every address of the course in it replaced."""
    for place in PLACES:
        address = place.format(repo=repo, ref=ref)
        text = re.sub(pattern(place), lambda match, address=address: address, text)
    line = NO_BOOK if "<" in repo else BOOK.format(site=site(repo))
    return re.sub(FIRST_LINE, lambda match: match[1] + line, text)


def site(repo):
    """The address of the book of the repository owner/name on GitHub Pages."""
    owner, name = repo.split("/")
    host = f"{owner.lower()}.github.io"
    return f"https://{host}/" if name.lower() == host else f"https://{host}/{name}/"


def addresses(text):
    """Every (repo, ref) that stands in `text`, place by place; ref is empty where none is named."""
    return [
        (match["repo"], match.groupdict().get("ref", ""))
        for place in PLACES
        for match in re.finditer(pattern(place), text)
    ]


def with_setup_cell(text):
    """The text of a notebook with the cell of tools/setup_cell.py, not stamped yet, in place of its own."""
    notebook = json.loads(text)
    cell = next(cell for cell in notebook["cells"] if cell["id"] == "setup")
    source = (ROOT / "tools" / "setup_cell.py").read_text(encoding="utf-8").strip()
    cell |= {"source": source.splitlines(keepends=True), "metadata": FOLDED}
    new = json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    return new.replace("\n", "\r\n") if "\r\n" in text else new


def files(root=ROOT):
    return [root / "README.md", *sorted((root / "notebooks").glob("*.ipynb"))]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--repo")
    parser.add_argument("--ref")
    args = parser.parse_args()
    if args.repo or args.ref:
        repo, ref = args.repo or "", args.ref or "main"
        # Git can clone a branch or a tag, but no commit by its number.
        if not re.fullmatch(r"[\w-]+/[\w.-]+(?<!\.git)", repo, re.ASCII) or not re.fullmatch(
            r"(?![0-9a-f]{40}$)\w[\w.-]*", ref, re.ASCII
        ):
            sys.exit(
                f"REPO must look like owner/name, and REF be a branch or a tag like main or v1.0, not {repo!r} and {ref!r}"
            )
    for path in files():
        # Bytes, so that the ends of lines stay as they are
        old = path.read_bytes().decode("utf-8")
        new = with_setup_cell(old) if path.suffix == ".ipynb" else old
        new = stamp(new, *((repo, ref) if args.repo else addresses(old)[0]))
        path.write_bytes(new.encode("utf-8"))
    found = {address for path in files() for address in addresses(path.read_text(encoding="utf-8"))}
    for repo in sorted({repo for repo, _ in found}):
        print(repo, *sorted({ref for other, ref in found if other == repo} - {""}))


if __name__ == "__main__":
    main()
