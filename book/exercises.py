"""What the book tells of the exercises, from the helpers, which know it: their hints, and one right answer.

Usage: exercises.py FILE   (a JSON file: {name: {"hints": [text, ...], "solution": code or null}})

It runs where the course is installed; the book's own environment cannot import the helpers. COURSE_SOLUTIONS=off leaves
the solutions out, as it does in the notebooks, and so does any other value but on.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from helpers.exercises import exercises, notebooks, solutions_setting


def main(file):
    shown = solutions_setting() == "on"
    told = {
        exercise.name: {"hints": list(map(str, exercise.hints)), "solution": exercise.source() if shown else None}
        for number in notebooks()
        for exercise in exercises(number)
    }
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    Path(file).write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
