"""How the tests reach the exercises: all of them, their cells in the notebooks, and what `check` says."""

import ast
import contextlib
import io
import linecache

from lessons import read

from helpers import exercises as course
from helpers.exercises.engine.examine import examine

EXERCISES = {e.name: (number, e) for number in course.notebooks() for e in course.exercises(number)}


def verdict(exercise, answer):
    with contextlib.redirect_stdout(io.StringIO()):  # what the answer itself prints
        return examine(exercise, answer)


def exercise_of(cell):
    """The name of the exercise in a cell with an id such as exercise-mse-gradient."""
    return cell.id.removeprefix("exercise-").replace("-", "_")


def cells_of(number, kind="code"):
    """The cells of a notebook, all that are code or all that are markdown."""
    return [cell for cell in read(number).cells if cell.cell_type == kind]


def notebook_cells(number):
    """The exercise cells of a notebook by the name of their exercise, and the source of its imports cell."""
    cells = cells_of(number)
    exercise_cells = {exercise_of(c): c for c in cells if c.id.startswith("exercise-")}
    return exercise_cells, next(c.source for c in cells if c.id == "imports")


def filled_in(exercise, source):
    """The source of an exercise cell with the solution in place of the stub."""
    check = next(
        node for node in ast.parse(source).body if isinstance(node, ast.Expr) and ast.unparse(node).startswith("check(")
    )
    lines = source.splitlines()[check.lineno - 1 :]
    return "\n".join([exercise.source(), "", "", *lines])


def run_as_a_cell(source, namespace):
    """Execute the source of a cell so that it can be read again, as Jupyter does; returns what it prints."""
    name = f"<cell {hash(source)}>"
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(source, name, "exec"), namespace)
    return " ".join(output.getvalue().split())
