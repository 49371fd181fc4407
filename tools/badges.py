"""Stamp the address of this copy of the course into all notebooks and the README: Colab links, and what Colab fetches.

Usage: badges.py --repo owner/name [--ref main]   (a branch or a tag)
       badges.py                                  (print the address that is stamped now)
"""

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACES = [
    "colab.research.google.com/github/{repo}/blob/{ref}/",
    r"REPO, REF = \"{repo}\", \"{ref}\"",  # the first code cell, as JSON
    "git clone https://github.com/{repo}",
]


def pattern(place):
    """The regular expression of a place with any address in it, or with the unstamped <owner>/<repo>."""
    place = re.escape(place).replace(r"\{repo\}", r"(?P<repo>[\w.<>-]+/[\w.<>-]+)")
    return place.replace(r"\{ref\}", r"(?P<ref>[\w.-]+)")


def stamp(text, repo, ref):
    """`text` with every address of the course in it replaced."""
    for place in PLACES:
        address = place.format(repo=repo, ref=ref)
        text = re.sub(pattern(place), lambda match, address=address: address, text)
    return text


def addresses(text):
    """Every (repo, ref) that stands in `text`, place by place; ref is empty where none is named."""
    return [
        (match["repo"], match.groupdict().get("ref", ""))
        for place in PLACES
        for match in re.finditer(pattern(place), text)
    ]


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
            # Bytes, so that line ends stay as they are
            text = path.read_bytes().decode("utf-8")
            path.write_bytes(stamp(text, repo, ref).encode("utf-8"))
    found = {address for path in files() for address in addresses(path.read_text(encoding="utf-8"))}
    for repo in sorted({repo for repo, _ in found}):
        print(repo, *sorted({ref for other, ref in found if other == repo} - {""}))


if __name__ == "__main__":
    main()
