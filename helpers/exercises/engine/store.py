"""Remembers which exercises are solved: one small JSON file in the user's data folder, shared by all kernels.

COURSE_PROGRESS names another file, which ends in .json; "off" keeps the progress in this kernel only.
"""

import json
import os
from pathlib import Path

from helpers.exercises.engine.words import MESSAGES

_in_memory = {}  # attempts that are in no file, as {exercise: [(solved, hints), ...]}


def record(name, *, solved, hints):
    """Note one attempt at an exercise. Returns None, or a Text on why it could not be saved."""
    _in_memory.setdefault(name, []).append((solved, hints))
    try:
        path = _path()
    except ValueError:
        return _unknown()
    if path is None:
        return None
    from filelock import FileLock, Timeout

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Another notebook may be saving at this moment: read, change and write under one lock.
        with FileLock(f"{path}.lock", timeout=5):
            entries = _with_memory(_read(path))
            new = path.with_suffix(".new")
            new.write_text(json.dumps(entries, indent=1), encoding="utf-8")
            os.replace(new, path)  # all or nothing, even if the kernel is killed
        _in_memory.clear()
    except (OSError, Timeout, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        return MESSAGES["not saved"](file=path.name, reason=reason)
    return None


def load():
    """All entries so far: {exercise: {"state", "attempts", "hints"}}. Raises ValueError for an unknown setting."""
    path = _path()
    try:
        saved = _read(path) if path is not None else {}
    except OSError:
        saved = {}
    return _with_memory(saved)


def _with_memory(entries):
    """The entries of a file, and in them the attempts that it does not hold yet."""
    for name, attempts in _in_memory.items():
        for solved, hints in attempts:
            entry = entries.get(name, {"state": "open", "attempts": 0, "hints": 0})
            # once solved stays solved: whoever plays on after the right answer loses nothing
            state = "solved" if solved or entry["state"] == "solved" else "attempted"
            count = entry["attempts"] + (entry["state"] != "solved")
            entries[name] = {"state": state, "attempts": count, "hints": max(hints, entry["hints"])}
    return entries


def _path():
    chosen = os.environ.get("COURSE_PROGRESS", "").strip()
    if chosen.lower() == "off":
        return None
    if chosen:
        if not chosen.lower().endswith(".json"):
            raise ValueError(str(_unknown()))
        return Path(chosen)
    import platformdirs

    return platformdirs.user_data_path("one-gradient-at-a-time", appauthor=False) / "progress.json"


def _unknown():
    return MESSAGES["unknown file"](value=os.environ["COURSE_PROGRESS"])


def _read(path):
    """The entries of the file; a file that is broken is set aside, and an empty one takes its place."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        if not all(_well_formed(entry) for entry in entries.values()):
            raise ValueError("not a progress file")
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError, RecursionError):
        os.replace(path, path.with_suffix(".broken.json"))
        return {}
    return entries


def _well_formed(entry):
    return (
        isinstance(entry, dict)
        and entry.get("state") in ("attempted", "solved")
        and all(isinstance(entry.get(key), int) for key in ("attempts", "hints"))
    )
