"""Bring the teacher's latest notebooks into this folder, and keep every answer.

Usage: python tools/update.py   (or: make update; it takes no arguments and needs nothing but git and Python)

A cell is the reader's or the teacher's, never a mixture of both: cells have ids, which stay when their text changes. The
reader's is kept wherever the reader wrote, the teacher's is taken everywhere else. Where both wrote, the reader's stays,
a copy of the teacher's notebook is laid into notebooks/from_teacher/, and a sentence names the cell.

It is done without nbgitpuller and nbdime on purpose. Both merge text by its neighbours, so they lose cells without a word
where cells were moved, or where both append at the end; and this has to work before anything is installed.
"""

import contextlib
import difflib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Kept in git, seen by nobody: the reader's files before the last update, and each of the teacher's commits that one went from
BACKUP, SEEN = "refs/course/before-update", "refs/course/seen/"
ENVIRONMENT = {"requirements.txt"}  # what `make lab` and pip look at

# ------------------------------------------------------------------------------------ one notebook


def source(cell):
    """What somebody wrote into a cell."""
    text = cell["source"]
    return "".join(text) if isinstance(text, list) else text


def written(cell):
    """All that a person puts into a cell, as one value: its type, its text, its pictures."""
    return cell["cell_type"], source(cell), json.dumps(cell.get("attachments") or {}, sort_keys=True)


def results(cell):
    """What running a cell leaves there, without the count."""
    outputs = [{k: v for k, v in output.items() if k != "execution_count"} for output in cell.get("outputs", [])]
    return json.dumps(outputs, sort_keys=True)


def by_id(notebook, *known):
    """The cells of a notebook by id, in order. A cell without one (Colab drops them) gets that of the cell it came from."""
    originals = {id_: cell for cells in known for id_, cell in cells.items()}
    cells, ids = [], set()
    for cell in notebook["cells"]:
        id_ = cell.get("id")
        if id_ is None and cell["metadata"].get("id") in originals:
            id_ = cell["metadata"]["id"]
        if id_ in ids:  # twice in one notebook
            id_ = None
        cells.append([id_, cell])
        ids.add(id_)
    # The same text first, then the nearest: an answer in a stub leaves most of the stub.
    for cutoff in (1.0, 0.6):
        for pair in [pair for pair in cells if pair[0] is None]:
            free = {
                source(c): i for i, c in originals.items() if i not in ids and c["cell_type"] == pair[1]["cell_type"]
            }
            near = difflib.get_close_matches(source(pair[1]), free, 1, cutoff) if free else []
            if near:
                pair[0] = free[near[0]]
                ids.add(pair[0])
    for number, pair in enumerate(cells):
        if pair[0] is None:
            text = f"{number}/{written(pair[1])}"
            while pair[0] is None or pair[0] in ids:
                text = pair[0] = hashlib.sha256(text.encode()).hexdigest()[:12]
            ids.add(pair[0])
    return dict(cells)


def weave(order, other):
    """`order`, and the ids that only `other` has, each behind its neighbour in `other`."""
    order, at = list(order), 0
    present = set(order)
    for id_ in other:
        if id_ in present:
            at = order.index(id_) + 1
        else:
            order.insert(at, id_)
            at += 1
    return order


def merge_cell(base, mine, theirs):
    """One cell out of three versions, each a cell or None, and whether the teacher's change had no place in it."""
    if mine is None:
        if base is None:
            return theirs, False
        # Deleted by the reader: it stays so. A change to it is told.
        return None, theirs is not None and written(theirs) != written(base)
    if theirs is None:
        if base is None:
            return mine, False
        return (None, False) if written(mine) == written(base) else (mine, True)
    here = {**mine, "metadata": theirs["metadata"]}
    if base is not None and written(mine) == written(base):
        same = written(theirs) == written(base) and results(theirs) == results(base)
        return (here if same else theirs), False
    if written(mine) == written(theirs):
        return here, False
    if base is not None and written(theirs) == written(base):
        return here, False
    return mine, True


def merge_notebook(base, mine, theirs):
    """The merged notebook, and for each cell whose new version had no place in it, a sentence.

    base, mine, theirs: notebooks as dictionaries; base is the version that both came from.
    """
    base_cells = by_id(base)
    their_cells = by_id(theirs, base_cells)
    my_cells = by_id(mine, base_cells, their_cells)

    common = [i for i in base_cells if i in my_cells and i in their_cells]
    i_moved = [i for i in my_cells if i in common] != common
    they_moved = [i for i in their_cells if i in common] != common
    order = weave(my_cells, their_cells) if i_moved else weave(their_cells, my_cells)

    cells, told = [], []
    for id_ in order:
        versions = [cells.get(id_) for cells in (base_cells, my_cells, their_cells)]
        cell, clash = merge_cell(*versions)
        if cell is not None:
            cells.append({**cell, "id": id_})
        if clash:
            what = "deleted" if versions[1] is None else "removed" if versions[2] is None else "changed"
            told.append((what, place(id_, my_cells if versions[1] else base_cells)))
    if i_moved and they_moved:
        told.append(("moved", ""))

    metadata = theirs["metadata"]
    kernels = [notebook["metadata"].get("kernelspec", {}).get("name") for notebook in (base, mine)]
    if kernels[0] != kernels[1] and "kernelspec" in mine["metadata"]:
        metadata = {**metadata, "kernelspec": mine["metadata"]["kernelspec"]}
    merged = {**theirs, "metadata": metadata, "cells": cells}
    if merged.get("nbformat") == 4:
        merged["nbformat_minor"] = max(5, merged.get("nbformat_minor", 5))  # the first with ids
    return merged, told


def undone(before, after, mine):
    """Whether the updates from `before` to `after` were undone in `mine`, by a tab of JupyterLab that was open all the while.

    Returns None if not, and else the number of cells in which `mine` differs from `before`.
    """
    old, new = by_id(before), by_id(after)
    here = by_id(mine, old, new)
    states = [[cells.get(i) and written(cells[i]) for cells in (old, new, here)] for i in old | new | here]
    news = [state for state in states if state[0] != state[1]]
    if any(n[2] == n[0] for n in news) and all(n[2] != n[1] for n in news):
        return sum(state[2] != state[0] for state in states)
    return None


def place(id_, cells):
    """Where a reader finds a cell: its exercise or its first line, and the heading above it."""
    heading = ""
    for other, cell in cells.items():
        titles = re.findall(r"(?m)^#{1,6} +(.+)", source(cell)) if cell["cell_type"] == "markdown" else []
        if other == id_:
            first = next((line.strip() for line in source(cell).splitlines() if line.strip()), "(empty)")
            exercise = re.search(r"check\(\s*[\"'](\w+)[\"']", source(cell))
            name = f'exercise "{exercise[1]}"' if exercise else f'the cell "{first[:60]}"'
            return f'{name}, below "{heading}"' if heading and not titles else name
        heading = titles[-1].strip() if titles else heading
    return id_


SENTENCES = {
    "changed": "{place}: you and the teacher changed it. Yours stays; the teacher's is in {copy}.",
    "removed": "{place}: the teacher removed it, and you had written in it. Yours stays.",
    "deleted": "{place}: you deleted it, or joined it with another, and the teacher changed it. It does not come back; the teacher's is in {copy}.",
    "moved": "you and the teacher moved cells. Your order stays; the teacher's is in {copy}.",
    "broken": "your file is no notebook any more. It stays as it is; the teacher's is in {copy}.",
    "other": "yours has the same name as a new notebook of the teacher's. Yours stays; the teacher's is in {copy}.",
    "gone": "the teacher removed or renamed this notebook, and you had changed it. Yours stays.",
    "code": "you and the teacher changed it. The teacher's is in place, since the notebooks need it; yours is in {copy}.",
    "gone code": "the teacher removed it, and you had changed it. Yours is in {copy}.",
    "again": "nothing was left of what an update had changed (an old tab, saved with Overwrite?). It is there again.",
    "back": "you had deleted it; it is there again.",
}


def notebook_of(data):
    """The notebook in these bytes, or None where they hold none."""
    try:
        notebook = json.loads(data.decode("utf-8"))
        cells = notebook["cells"]
        assert isinstance(notebook["metadata"], dict)
        assert all(isinstance(c["metadata"], dict) and isinstance(source(c), str) and c["cell_type"] for c in cells)
    except (ValueError, TypeError, KeyError, AssertionError):
        return None
    return notebook


def merge_file(path, base, mine, theirs):
    """The new content of a file, of which the three versions are bytes or None; what to lay beside it; and what to tell.

    Returns (content or None, (folder, content) or None, [(sentence, place), ...]).
    """
    if mine == theirs:
        return theirs, None, []
    if mine is None:
        return theirs, None, ([("back", "")] if base is not None else [])
    if mine == base:
        return theirs, None, []
    if path.endswith(".ipynb"):
        if theirs is None:
            return mine, None, ([("gone", "")] if base is not None else [])
        if base == theirs:
            return mine, None, []
        b, m, t = map(notebook_of, (base or b'{"cells": [], "metadata": {}}', mine, theirs))
        beside = ("notebooks/from_teacher", theirs)
        if m is None or b is None or t is None:
            return mine, beside, [("broken", "")]
        if base is None and not {c.get("id") for c in m["cells"]} & {c.get("id") for c in t["cells"]}:
            return mine, beside, [("other", "")]
        merged, told = merge_notebook(b, m, t)
        if merged == t:
            return theirs, None, told
        text = json.dumps(merged, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        return text.encode("utf-8"), (beside if {what for what, _ in told} - {"removed"} else None), told
    if base == theirs:
        return mine, None, []
    if theirs is None:
        return (None, ("mine", mine), [("gone code", "")]) if base is not None else (mine, None, [])
    return theirs, ("mine", mine), [("code", "")]


# ------------------------------------------------------------------------------------ git


class Trouble(Exception):
    """Why there is no update, in a sentence for the reader."""


class Git:
    """The checkout in `root`. Trees are read and written without touching its files, its index or its branches."""

    def __init__(self, root):
        self.root = root
        elsewhere = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY")
        self.environment = {k: v for k, v in os.environ.items() if k not in elsewhere}
        # Git's own messages in English, and no question for a password that nobody sees
        self.environment |= {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}

    def bytes(self, *args, stdin=None, **environment):
        done = subprocess.run(
            ["git", *args], cwd=self.root, input=stdin, capture_output=True, env=self.environment | environment
        )
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["nothing"]
            raise Trouble(f"git {args[0]} says: {said[-1] if args[0] != 'fetch' else said[0]}")
        return done.stdout

    def __call__(self, *args, **more):
        return self.bytes(*args, **more).decode("utf-8", "surrogateescape").strip()

    def has(self, *args):
        with contextlib.suppress(Trouble):
            return self(*args) or True
        return ""

    def files(self, tree):
        """The files of a tree: {path: (mode, blob)}."""
        listed = self.bytes("ls-tree", "-r", "-z", "--full-tree", tree).decode("utf-8", "surrogateescape")
        rows = [row.split("\t", 1) for row in listed.split("\0") if row]
        return {path: (kind.split()[0], kind.split()[2]) for kind, path in rows}

    def blob(self, entry):
        return self.bytes("cat-file", "blob", entry[1]) if entry else None

    def store(self, data):
        return self("hash-object", "-w", "--stdin", stdin=data)

    def tree(self, base, changes):
        """The tree `base` with {path: (mode, blob) or None} put in."""
        with tempfile.TemporaryDirectory() as folder:
            index = {"GIT_INDEX_FILE": os.path.join(folder, "index")}
            self("read-tree", base, **index)
            rows = [f"{m} {b}\t{p}\0" for p, e in changes.items() for m, b in [e or ("0", "0" * 40)]]
            self("update-index", "-z", "--index-info", stdin="".join(rows).encode("utf-8", "surrogateescape"), **index)
            return self("write-tree", **index)

    def snapshot(self, others):
        """The tree of the files as they lie here: all that git knows, and those of `others` that it does not know."""
        with tempfile.TemporaryDirectory() as folder:
            index = {"GIT_INDEX_FILE": os.path.join(folder, "index")}
            self("read-tree", "HEAD", **index)
            self("add", "-u", **index)
            new = [path for path in others if os.path.isfile(os.path.join(self.root, path))]
            if new:
                stdin = "\0".join(new).encode("utf-8", "surrogateescape")
                self(
                    "--literal-pathspecs",
                    "add",
                    "-f",
                    "--pathspec-from-file=-",
                    "--pathspec-file-nul",
                    stdin=stdin,
                    **index,
                )
            return self("write-tree", **index)

    def commit(self, tree, parents, message):
        who = {}
        for role in ("AUTHOR", "COMMITTER"):
            if not self.has("var", f"GIT_{role}_IDENT"):
                who |= {f"GIT_{role}_NAME": "make update", f"GIT_{role}_EMAIL": "update@localhost"}
        return self("commit-tree", tree, *(f"-p{parent}" for parent in parents), "-m", message, **who)


def write(path, data, executable=False):
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    if executable:
        part.chmod(0o755)
    elif path.exists():
        shutil.copymode(path, part)
    os.replace(part, path)


def lay_beside(root, folder, path, data):
    """Put `data` into `folder` under a name that is free, and return that. What lies there is never overwritten."""
    inside = Path(path).name if folder.startswith("notebooks") else path
    first = Path(folder, inside)
    number = 1
    while True:
        name = first if number == 1 else first.with_name(f"{first.stem} ({number}){first.suffix}")
        there = root / name
        if not there.exists():
            write(there, data)
        if there.read_bytes() == data:
            return name.as_posix()
        number += 1


def checkout(root):
    """The checkout in `root`, ready for an update."""
    again = (
        "Download the course again and unpack it into a new folder beside this one: this folder and your answers stay as "
        "they are, and what you have solved is remembered for both."
    )
    if not shutil.which("git"):
        raise Trouble(f"This needs git (https://git-scm.com), which is not installed. Without it: {again}")
    git = Git(root)
    top = git.has("rev-parse", "--show-toplevel") if (root / ".git").exists() else ""
    if not top:
        if (root / ".git").exists():
            git("rev-parse", "--show-toplevel")  # says why
        raise Trouble(f"This folder was downloaded, not cloned with git, so it cannot tell your changes. {again}")
    folder = Path(git("rev-parse", "--absolute-git-dir"))
    for name in ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply"):
        if (folder / name).exists():
            what = "rebase" if "rebase" in name else name.split("_HEAD")[0].lower().replace("_", "-")
            raise Trouble(
                f"A {what} that was begun with git (by git pull, perhaps) is not finished. This command takes it back, to "
                f"what you had before it: git {what} --abort"
            )
    if (folder / "index.lock").exists():
        raise Trouble(
            f"Another git is at work in this folder. If there is none, delete {folder / 'index.lock'}, and try again."
        )
    return git


def teacher(git):
    """The remote that the teacher's course comes from, its branch, and its address."""
    remotes = git("remote").split()
    if not remotes:
        raise Trouble("This copy does not know where it came from. Once: git remote add upstream ADDRESS-OF-THE-COURSE")
    # A fork's own remote is `origin`; GitHub's tools and its manual call that of the original `upstream`.
    remote = next((name for name in ("upstream", "origin") if name in remotes), remotes[0])
    branch = git.has("symbolic-ref", "-q", "--short", "HEAD")
    tracked = branch and git.has("config", f"branch.{branch}.remote") == remote
    ref = git.has("config", f"branch.{branch}.merge") if tracked else ""
    return remote, ref or "HEAD", git("remote", "get-url", remote)


def overwritten(git, base):
    """The notebooks that lost an update to an old tab, which was saved over it: {path: the version that the tab came from}.

    base is the teacher's commit that the files should be at. A tab can be older than several updates.
    """
    refs = set(git("for-each-ref", "--format=%(objectname)", SEEN).split()) - {base}
    if not refs:
        return {}
    earlier = [git.files(commit) for commit in git("rev-list", base).split() if commit in refs]
    found = {}
    for path, entry in git.files(base).items():
        versions = {files[path] for files in earlier if path in files} - {entry}
        if not versions or not path.endswith(".ipynb") or not (git.root / path).is_file():
            continue
        after, mine = notebook_of(git.blob(entry)), notebook_of((git.root / path).read_bytes())
        if after is None or mine is None:
            continue
        near = []
        for version in versions:
            before = notebook_of(git.blob(version))
            changes = undone(before, after, mine) if before else None
            if changes is not None:
                near.append((changes, version))
        if near:
            found[path] = min(near)[1]
    return found


def update(root=ROOT, say=print):
    """Update the checkout in `root`. What happened goes to `say`, sentence by sentence; Trouble says why nothing did."""
    root = Path(root)
    git = checkout(root)
    remote, ref, address = teacher(git)
    try:
        git("fetch", "--quiet", remote, ref)
    except Trouble as trouble:
        raise Trouble(
            f"The course cannot be reached at {address}, and nothing was changed. Is there a network? ({trouble})"
        ) from None
    head, new = git("rev-parse", "HEAD"), git("rev-parse", "FETCH_HEAD^{commit}")
    base = git.has("merge-base", head, new)
    if not base:
        raise Trouble(
            f"The course at {address} has begun anew, and shares no history with this copy. Get a fresh one into another "
            f"folder, and keep this one: git clone {address}"
        )
    base_files, new_files = git.files(base), git.files(new)
    again = overwritten(git, base)
    if base == new and not again:
        say(f"Nothing new at {address}.")
        if remote != "upstream":
            say(
                '(Is that your own fork? Then press "Sync fork" on its page, or say once where the teacher\'s course is: '
                "git remote add upstream ADDRESS)"
            )
        return

    base_files |= again
    news = {path for path in base_files | new_files if base_files.get(path) != new_files.get(path)}
    mine = git.snapshot(news - git.files(head).keys())

    def merged(tree):
        """{path: its new (mode, blob) or None}, and what to lay beside and to tell, for the files of `tree`."""
        files, changes, notes = git.files(tree), {}, []
        for path in sorted(news | (base_files.keys() & new_files.keys()) - files.keys()):
            three = base_files.get(path), files.get(path), new_files.get(path)
            content, beside, told = merge_file(path, *map(git.blob, three))
            if content is None:
                changes[path] = None
            elif three[2] and content == git.blob(three[2]):
                changes[path] = three[2]
            else:
                changes[path] = ((three[2] or three[1])[0], git.store(content))
            if changes[path] == files.get(path):
                del changes[path]
            notes.append((path, beside, told))
        return changes, notes

    changes, notes = merged(mine)
    target = new
    if base == new:
        target = head
    elif base != head:  # the reader has commits: they stay, and a merge follows them
        committed, _ = merged(head)
        target = git.commit(git.tree(head, committed), [head, new], "Take in the teacher's update")

    # From here on, files change. Each is written whole, and a second run ends where the first would have ended.
    backup = git.commit(mine, [head], "The files as they were before the update")
    for name, commit in (BACKUP, backup), (SEEN + base, base):
        git("update-ref", name, commit)
    sentences = []
    for path, beside, told in notes:
        told = [("again", "")] * (path in again) + told
        copy = lay_beside(root, beside[0], path, beside[1]) if beside else None
        sentences += [f"{path}, {SENTENCES[what].format(place=where, copy=copy)}" for what, where in told]
    for path, entry in changes.items():
        if entry:
            data = git.bytes("cat-file", "--filters", f"--path={path}", entry[1])  # line ends as git is set up
            write(root / path, data, executable=entry[0] == "100755")
        else:
            (root / path).unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                (root / path).parent.rmdir()  # only if it is empty
    git("reset", "--quiet", "--mixed", target)

    old = git.files(mine)
    for path in sorted(changes):
        if path.endswith(".ipynb") and changes[path]:
            yours = path in old and changes[path] != new_files.get(path)
            say(f"{'new    ' if path not in old else 'updated'} {path}{', with what you wrote in it' if yours else ''}")
    rest = [path for path in changes if not (path.endswith(".ipynb") and changes[path])]
    if rest:
        say(f"updated {len(rest)} other file{'s' if len(rest) > 1 else ''}")
    for sentence in sentences:
        say(f"- {sentence}")
    if any(path.endswith(".ipynb") for path in changes):
        say(
            "Is one of these notebooks open in JupyterLab? There: File, Reload Notebook from Disk. (What you have not saved "
            "there: save it, choose Overwrite, and run this again.)"
        )
    if any(path.startswith("helpers/") for path in changes):
        say(
            "Is any notebook running? There: Kernel, Restart Kernel, since it goes on with the helpers that it has loaded."
        )
    if ENVIRONMENT & changes.keys():
        python = r".venv\Scripts\python" if os.name == "nt" else ".venv/bin/python"
        say(
            "requirements.txt has changed. Close JupyterLab; the next `make lab` installs what the course needs now. "
            f"Without make: {python} -m pip install -r requirements.txt"
        )


def main():
    if len(sys.argv) > 1:
        sys.exit(__doc__)
    for stream in sys.stdout, sys.stderr:
        stream.reconfigure(errors="replace")  # a heading may hold a letter that a Windows console lacks
    try:
        update()
    except Trouble as trouble:
        sys.exit(str(trouble))
    except KeyboardInterrupt:
        sys.exit("Interrupted. No file is half written; run it again to finish.")
    except OSError as error:
        sys.exit(f"{error}. No file is half written; when the cause is gone, run it again to finish.")


if __name__ == "__main__":
    main()
