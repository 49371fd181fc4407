"""Run All with every solution filled in, and what happens when the cells run in another order, or twice.

The core runs alone, and then each deeper section runs alone behind it, in a copy of the process: neither finds what
another section made, but for those that its first line names.

Order does not matter where three things hold. A cell takes only names that one other cell binds: that is read from its
code. It changes no object that another cell made. And whatever random numbers were drawn before it, it shows what is
stored in the notebook. The last two are seen while the notebook runs once. Then a cell shows the same whenever it runs,
and however often; run too early, it meets a NameError. One thing is left, and is tried: a class made anew is another
class, and what was made of the old one must still serve.
"""

import ast
import collections
import contextlib
import dis
import io
import subprocess
import symtable
import sys
import types
import zlib

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from exercise_cells import EXERCISES, cells_of, exercise_of, filled_in, notebook_cells
from IPython.lib.pretty import pretty
from lessons import ROOT, core, deeper, needed, read
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from processes import TorchrunOfCopies, in_a_copy, needs_fork
from short import IN_10, in_10_short, on_few

from helpers import exercises as course
from helpers import training
from helpers.device import seed_everything

# The names that do depend on the order, and the words in the notebook that say so
ANNOUNCED = {
    "00": {"count": "What does it show when you run it a second time, without the cell above?"},
    "01": {
        "a": "The sections share the name `a`",
        "Value": "If you run the class cell again, run this one again too.",
    },
    "10": {"ladder": "`ladder` notes the rungs in the order in which you climb them"},
}


# What is read from the code


def names(source):
    """What a cell takes from other cells, what functions made in it take when they are called, and what it binds."""
    taken, later, bound = set(), set(), set()
    for step in in_order(source):
        if step.opname == "STORE_NAME":
            bound.add(step.argval)
        elif step.opname == "LOAD_NAME" and step.argval not in bound:
            taken.add(step.argval)
        elif isinstance(step.argval, types.CodeType):
            # a comprehension or a lambda runs where it stands, a function or a method at any time
            if step.argval.co_name.startswith("<"):
                taken |= names_outside(step.argval) - bound
            else:
                later |= names_outside(step.argval)
    return taken, later, bound


def in_order(source):
    """The instructions of a cell, in the order of its statements: some Pythons put what follows `except` behind all others."""
    first = {}  # by line: where the statement begins, the innermost one
    for node in ast.walk(ast.parse(source)):  # outer ones come before inner ones
        if isinstance(node, (ast.stmt, ast.ExceptHandler)):
            start = min(part.lineno for part in (node, *getattr(node, "decorator_list", [])))
            first |= dict.fromkeys(range(start, node.end_lineno + 1), start)
    steps, place = [], 0
    for step in dis.get_instructions(compile(source, "cell", "exec")):
        place = first.get(step.positions.lineno, place)  # one without a line goes with the one before it
        steps.append((place, step))
    return [step for _, step in sorted(steps, key=lambda pair: pair[0])]


def names_outside(code):
    """What a function or a class takes from the notebook."""
    steps = list(dis.get_instructions(code))
    found = {step.argval for step in steps if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    found -= {step.argval for step in steps if step.opname == "STORE_NAME"}
    inner = [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return found.union(*map(names_outside, inner))


def ambiguous(sources):
    """Each (cell, name) where the value of the name depends on which cell ran last."""
    binders = collections.defaultdict(set)
    for cell, source in sources.items():
        table = symtable.symtable(source, "cell", "exec")
        for name in names(source)[2]:
            symbol = table.lookup(name)
            same = symbol.is_imported() and not symbol.is_assigned()  # wherever it is imported
            binders[name].add("an import" if same else cell)
    found = set()
    for cell, source in sources.items():
        taken, later, _ = names(source)
        found |= {(cell, name) for name in taken | later if len(binders[name]) > 1}
        found |= {(cell, name) for name in taken if cell in binders[name]}
    return found


# What is seen while the cells run


def run_in_order(sources, stored, namespace, may_fail=()):
    """Run the cells, each after other random numbers; returns each (cell, what hangs on the order), and what is printed.

    sources, stored: code and text output by cell id, the output only where it must be the same. may_fail: the cells that
    fail on purpose.
    """
    found, shown, known = set(), {}, contents(namespace)
    for cell, source in sources.items():
        before = dict(namespace)
        shown[cell] = show(cell, source, namespace, cell in may_fail)
        if cell in stored and shown[cell].split() != stored[cell].split():
            found.add((cell, f"shows {shown[cell].strip()}, stored is {stored[cell].strip()}"))
        now = contents(namespace)
        for name in known:
            same = namespace.get(name) is before[name]
            if known[name] != (now[name] if same else content(before[name])):
                found.add((cell, name))
        known = now
    remake = [cell for cell in sources if makes_class(sources[cell])]
    for cell in remake:
        show(cell, sources[cell], namespace, cell in may_fail)
    made = set().union(*(names(sources[cell])[2] for cell in remake))
    for cell in reversed(sources):
        taken = (names(sources[cell])[0] - made) & namespace.keys()
        if cell not in remake and any(holds_class(namespace[name]) for name in taken):
            try:
                again = show(cell, sources[cell], namespace, cell in may_fail)
            except RuntimeError as error:
                again = str(error)
            if cell in stored and again != shown[cell]:
                found.add((cell, f"shows {again.strip()} when the classes are made anew"))
    return found, "".join(shown.values())


def makes_class(source):
    return any(isinstance(node, ast.ClassDef) for node in ast.parse(source).body)


def holds_class(value):
    """Whether a class of the notebook, or an object of one, is or is inside `value`."""
    content(value, seen := {})
    inside = [v if isinstance(v, type) else type(v) for _, v in seen.values()]
    return any(kind.__module__ == "__main__" for kind in inside)


def show(cell, source, namespace, may_fail):
    """Run a cell without drawing; returns what it prints and the value of its last line, as Jupyter shows it."""
    seed_everything(zlib.crc32(cell.encode()))  # random numbers of its own
    tree, output = ast.parse(source), io.StringIO()
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    try:
        with contextlib.redirect_stdout(output):
            exec(compile(tree, cell, "exec"), namespace)
            value = last and eval(compile(ast.Expression(last.value), cell, "eval"), namespace)
            print("" if value is None else pretty(value))
    except Exception as error:
        if not may_fail:
            raise RuntimeError(f"cell {cell}: {error!r}") from error
    finally:
        plt.close("all")
    return output.getvalue()


def contents(namespace):
    return {name: content(value) for name, value in namespace.items() if name != "__builtins__"}


def content(value, seen=None):
    """A value that changes when anything changes that a cell can see of an object."""
    if value is None or isinstance(value, (bool, int, float, str, types.ModuleType)):
        return repr(value)
    seen = {} if seen is None else seen
    if id(value) in seen:
        return "seen", seen[id(value)][0]
    seen[id(value)] = len(seen), value  # kept, so that no other object gets its id

    def inside(values):
        return [content(v, seen) for v in values]

    if isinstance(value, torch.Tensor):
        gradient = value.grad if value.is_leaf else None
        return value.shape, value.requires_grad, numbers_in(value), inside([gradient])
    if isinstance(value, torch.Generator):
        return numbers_in(value.get_state())
    if isinstance(value, np.ndarray) and value.dtype != object:
        return value.tobytes()
    if isinstance(value, dict):
        return inside(value.keys()), inside(value.values())
    if isinstance(value, (list, tuple)):
        return inside(value)
    if isinstance(value, types.FunctionType) and not str(value.__module__).startswith("helpers"):
        return inside(cell.cell_contents for cell in value.__closure__ or ())
    if isinstance(value, type):
        return [name for name, part in vars(value).items() if callable(part)]
    if isinstance(value, collections.abc.Iterator) and type(value).__module__ == "builtins":
        return object()  # equal to nothing: nobody can tell how far it has come
    if hasattr(value, "__dict__") and not type(value).__module__.startswith("matplotlib"):
        return inside([vars(value)])
    return repr(value)


_large = {}


def numbers_in(tensor):
    """A number that changes with the numbers in a tensor."""
    if tensor.numel() < 100_000:
        return hash(tensor.detach().numpy().tobytes())
    # A tensor counts its changes, so that each large one need be read only once.
    if id(tensor) not in _large or _large[id(tensor)][1] != tensor._version:
        _large[id(tensor)] = tensor, tensor._version, hash(tensor.detach().numpy().tobytes())
    return _large[id(tensor)][2]


# The notebooks


def shortened(cell, source):
    """A cell of notebook 10 with trainings of eight steps, and so without what it claims about their result.

    In full it takes about a minute, and nbval runs it so, but for the committee, which is trained only here.
    """
    source = in_10_short(source)
    if cell.startswith("exercise-"):
        return source
    return ast.unparse(WithoutAssertions().visit(ast.parse(source)))


# Seconds of notebook 11 that only its clock needs, and that are not compared
FEWER_ROWS = "for rows in (256, 8192):\n    alone", "for rows in (256, 512):\n    alone"


@pytest.mark.parametrize(("number", "words"), [*(("10", long) for long in IN_10), ("11", FEWER_ROWS[0])])
def test_what_is_cut_short_stands_in_the_notebook(number, words):
    assert any(words in cell.source for cell in cells_of(number))


class WithoutAssertions(ast.NodeTransformer):
    def visit_Assert(self, node):
        return None


def text_output(cell):
    shown = [o for o in cell.outputs if o.output_type in ("stream", "execute_result")]
    return "\n".join(o.text if "text" in o else o.data["text/plain"] for o in shown)


def run_all(number):
    """Run the core of a notebook, and each deeper section behind it, with all solutions; returns what `run_in_order` does."""
    notebook = read(number)
    # what a cell defines belongs to __main__, as in a kernel: pickle looks there
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    main.display = lambda *_: None
    if number == "10":
        training.fit = on_few(8, training.fit)
    if number == "11":
        subprocess.Popen = TorchrunOfCopies
    found, printed = run_cells(number, core(notebook), vars(main))
    sections = deeper(notebook)
    for title in sections:
        cells = [cell for name in [*before(title, sections), title] for cell in sections[name]]
        more, said = in_a_copy(lambda cells=cells: run_cells(number, cells, vars(main)))
        found, printed = found | more, printed + said
    return found, printed


def before(title, sections):
    """The titles of the sections that must run before one, in their order."""
    wanted = set(needed(sections[title]))
    wanted |= {name for other in wanted for name in before(other, sections)}
    return [name for name in sections if name in wanted]


def run_cells(number, cells, namespace):
    sources, stored, may_fail = {}, {}, []
    for cell in (cell for cell in cells if cell.cell_type == "code"):
        sources[cell.id] = cell.source
        if cell.id.startswith("exercise-"):
            sources[cell.id] = filled_in(EXERCISES[exercise_of(cell)][1], cell.source)
        elif "nbval-ignore-output" not in cell.metadata.get("tags", []):
            stored[cell.id] = text_output(cell)
        if "raises-exception" in cell.metadata.get("tags", []):
            may_fail.append(cell.id)
    if number == "10":
        sources = {cell: shortened(cell, source) for cell, source in sources.items()}
    if number == "11":
        sources = {cell: source.replace(*FEWER_ROWS) for cell, source in sources.items()}
    return run_in_order(sources, stored, namespace, may_fail)


@pytest.fixture(scope="module")
def imported():
    """What the notebooks import, once for all: the processes below start with it."""
    for number in course.notebooks():
        exec(notebook_cells(number)[1], {})
    torch.optim.SGD([torch.zeros(1)])  # the first optimizer imports the most


@needs_fork
@pytest.mark.parametrize("number", course.notebooks())
def test_run_all_with_solutions_and_order_matters_only_where_the_text_says_so(number, imported, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", "off")
    monkeypatch.setenv("COURSE_DEVICE", "cpu")  # of which the outputs are
    monkeypatch.setenv("TQDM_DISABLE", "1")
    monkeypatch.chdir(ROOT / "notebooks")
    found, printed = in_a_copy(lambda: run_all(number))
    found |= ambiguous({cell.id: cell.source for cell in cells_of(number)})
    announced = ANNOUNCED.get(number, {})
    assert {(cell, name) for cell, name in found if name not in announced} == set()
    assert {name for _, name in found} == set(announced), "what is announced no longer depends"
    text = "\n".join(cell.source for cell in cells_of(number, "markdown"))
    assert [words for words in announced.values() if words not in text] == []
    said = " ".join(printed.split())
    wrong = [e.name for e in course.exercises(number) if f"{e.name}: right." not in said]
    assert not wrong, "solutions that are not confirmed"


# Small notebooks, to see that each way in which order can matter is found


@needs_fork
@pytest.mark.parametrize("needs", ["", ' and "First"'])
def test_a_deeper_section_that_takes_from_another_is_found(monkeypatch, needs):
    line = "*5 minutes. Needs the core of this notebook{}.*"
    cells = [
        new_code_cell("x = 1", id="core"),
        new_markdown_cell(f"## Deeper: First\n\n{line.format('')}"),
        new_code_cell("x2 = x + 1\nprint(x2)", id="first"),
        new_markdown_cell(f"## Deeper: Second\n\n{line.format(needs)}"),
        new_code_cell("x2 + 1", id="second"),
    ]
    for cell in cells[1:]:
        cell.metadata["tags"] = ["deeper", "nbval-ignore-output"]
    small = new_notebook(cells=cells)
    monkeypatch.setattr(sys.modules[__name__], "read", lambda number: small)
    if needs:
        found, printed = in_a_copy(lambda: run_all("01"))
        assert not found and printed.split() == ["2", "2", "3"]
    else:
        with pytest.raises(RuntimeError, match="cell second: NameError"):
            in_a_copy(lambda: run_all("01"))


def small(*cells):
    return {f"cell {number}": source for number, source in enumerate(cells)}


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (("x = 1", "x = x + 1"), ("cell 1", "x")),
        (("x = 1", "x += 1"), ("cell 1", "x")),
        (("try:\n    x += 1\nexcept NameError:\n    x = 1",), ("cell 0", "x")),
        (("x = 1", "x = 2", "x"), ("cell 2", "x")),
        (("x = 1", "for x in [2]: pass", "x"), ("cell 2", "x")),
        (("x = 1", "with open('f') as x: pass", "x"), ("cell 2", "x")),
        (("x = 1", "import io as x", "x"), ("cell 2", "x")),
        (("def x(): 1", "class x: 1", "x"), ("cell 2", "x")),
        (("x = 1", "(x := 2)", "[x for _ in 'ab']"), ("cell 2", "x")),
        (("x = 1", "x = 2", "max([3], key=lambda v: v * x)"), ("cell 2", "x")),
        (("x = 1\ndef f(): return x", "x = 2", "f()"), ("cell 0", "x")),
        (("x = 1\nclass A:\n def f(self): return x", "x = 2"), ("cell 0", "x")),
    ],
)
def test_a_name_that_two_cells_bind_is_found(cells, found):
    assert ambiguous(small(*cells)) == {found}


@pytest.mark.parametrize(
    "cells",
    [
        ("x = 1", "x", "y = x"),
        ("x = 1\nx += 1", "x = 2\nx"),
        ("for x in 'ab': print(x)", "for x in 'cd': print(x)"),
        ("x = 1", "[x for x in 'ab']", "f = lambda x: x", "def g(x): return x", "x"),
        ("x = 1\n[x for _ in 'ab']\nmax([3], key=lambda v: x)", "x = 2"),
        ("class A:\n    x = 1\n    y = x", "x = 2", "x = 3"),
        ("import io", "import io", "io"),
        ("try:\n    int('one')\nexcept ValueError as e:\n    x = (\n        str(e)\n    )\nx", "x = 2"),
    ],
)
def test_a_name_that_is_clear_is_not_found(cells):
    assert ambiguous(small(*cells)) == set()


@pytest.mark.parametrize(
    ("made", "changed"),
    [
        ("x = torch.zeros(2)", "x -= 1"),
        ("x = torch.zeros(2)", "row = x[:1]\nrow[0] = 1"),
        ("x = torch.zeros(200_000)", "x[0] = 1"),
        ("x = torch.zeros(2, requires_grad=True)", "x.sum().backward()"),
        ("x = torch.zeros(2)", "x.requires_grad_()"),
        ("x = np.zeros(2000)", "x[1000] = 1"),
        ("x = []", "x.append(1)"),
        ("x = {}", "x['a'] = 1"),
        ("x = [torch.zeros(2)]", "x[0] += 1"),
        ("x = nn.Dropout()", "x.eval()"),
        ("x = nn.BatchNorm1d(2)", "x(torch.rand(3, 2))"),
        ("x = nn.Linear(1, 1)", "x.load_state_dict(nn.Linear(1, 1).state_dict())"),
        ("x = SimpleNamespace(lr=1)", "x.lr = 2"),
        ("x = torch.Generator()", "torch.rand(1, generator=x)"),
        ("class x: pass", "x.f = lambda self: 1"),
        ("def make():\n many = []\n return lambda: many.append(1)\nx = make()", "x()"),
    ],
)
def test_a_cell_that_changes_what_another_made_is_found(made, changed):
    tools = {"torch": torch, "nn": torch.nn, "np": np, "SimpleNamespace": types.SimpleNamespace}
    assert run_in_order(small(made, "x", changed), {}, tools)[0] == {("cell 2", "x")}


def test_a_cell_may_change_what_it_made_itself_and_use_what_another_made():
    cells = small("x = torch.zeros(2)\nx += 1\nseen = [x]", "y = x.clone()\ny += 1\nx + y", "x = y")
    assert run_in_order(cells, {"cell 1": "tensor([3., 3.])"}, {"torch": torch})[0] == set()


def test_an_iterator_that_a_cell_leaves_to_others_is_found():
    assert run_in_order(small("x = iter('ab')", "1"), {}, {})[0] == {("cell 1", "x")}


@pytest.mark.parametrize(("seed", "free"), [("", False), ("torch.manual_seed(0)\n", True)])
def test_a_cell_that_shows_other_random_numbers_is_found(seed, free):
    cells = small("a = torch.zeros(1)", f"{seed}x = torch.rand(1)", "x")
    torch.manual_seed(0)
    stored = {"cell 2": f"{torch.rand(1)}"}
    torch.manual_seed(0)
    found, _ = run_in_order(cells, stored, {"torch": torch})
    assert [cell for cell, _ in found] == ([] if free else ["cell 2"])


@pytest.mark.parametrize(
    ("x", "last", "serves"),
    [("[A]", "A in x", False), ("A()", "isinstance(x, A)", False), ("A()", "x.n", True)],
)
def test_a_cell_that_fails_when_a_class_is_made_anew_is_found(x, last, serves):
    cells = small("class A:\n    n = True", f"x = {x}", f"assert {last}\n{last}")
    found, _ = run_in_order(cells, {"cell 2": "True"}, {"__name__": "__main__"})
    assert [cell for cell, _ in found] == ([] if serves else ["cell 2"])


def test_only_a_cell_that_must_fail_may_fail():
    cells = small("x = 1", "x.missing", "x + 1")
    found, printed = run_in_order(cells, {"cell 2": "2"}, {}, may_fail=["cell 1"])
    assert not found and printed.split() == ["2"]
    with pytest.raises(RuntimeError, match="cell 1: AttributeError"):
        run_in_order(cells, {}, {})
