"""Stamp the address of this copy of the course into all notebooks and the README: Colab links, and what Colab fetches.

Usage: badges.py --repo owner/name [--ref main]   (a branch or a tag)
       badges.py                                  (print the address that is stamped now)
"""

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPO = r"(?P<repo>[\w.<>-]+/[\w.<>-]+)"
REF = r"(?P<ref>[\w.-]+)"
PLACES = [
    re.compile(rf"colab\.research\.google\.com/github/{REPO}/blob/{REF}/"),
    re.compile(rf'REPO, REF = \\"{REPO}\\", \\"{REF}\\"'),  # the first code cell, as JSON
    re.compile(rf"git clone(?P<ref>) https://github\.com/{REPO}"),
]


def stamp(text, repo, ref):
    """`text` with every address of the course in it replaced."""

    def replace(match):
        found = match[0].replace(match["repo"], repo, 1)
        return found if not match["ref"] else ref.join(found.rsplit(match["ref"], 1))

    for place in PLACES:
        text = place.sub(replace, text)
    return text


def addresses(text):
    """The set of (repo, ref) that stand in `text`; ref is empty where none is named."""
    return {(match["repo"], match["ref"]) for place in PLACES for match in place.finditer(text)}


def files(root=ROOT):
    return [root / "README.md", *sorted((root / "notebooks").glob("*.ipynb"))]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--repo")
    parser.add_argument("--ref", default="main")
    args = parser.parse_args()
    if args.repo:
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", args.repo) or not re.fullmatch(
            r"[\w.-]+", args.ref
        ):
            sys.exit(
                f"REPO must look like owner/name and REF like main or v1.0, not {args.repo!r} and {args.ref!r}"
            )
        for path in files():
            text = path.read_text(encoding="utf-8")
            path.write_text(stamp(text, args.repo, args.ref), encoding="utf-8", newline="\n")
    found = set().union(*(addresses(path.read_text(encoding="utf-8")) for path in files()))
    print("\n".join(sorted(f"{repo} {ref}".strip() for repo, ref in found)))


if __name__ == "__main__":
    main()
