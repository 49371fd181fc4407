"""What can go wrong around the reader's code: files, paths, processes that are stopped, no network, another Python."""

import ast
import contextlib
import ctypes
import errno
import gzip
import inspect
import io
import json
import os
import pickle
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tomllib
import tracemalloc
from pathlib import Path

import nbformat
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from jupyter_client.manager import start_new_kernel
from lessons import NOTEBOOKS, ROOT
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from packaging.specifiers import SpecifierSet
from processes import FORK

from helpers import data
from helpers import exercises as course
from helpers.exercises.engine import store

posix = pytest.mark.skipif(sys.platform == "win32", reason="no such thing on Windows")


# Data: verified before it is parsed, and the parsers survive anything


IDX = b"\0\0\x08\x02" + bytes([0, 0, 0, 2]) + bytes([0, 0, 0, 3]) + bytes(range(6))
CSV = """\
student_id,midterm,final,assignment_1,assignment_2,project,grade,split
1120,80,89,97,92,88,A,train
1121,17,100,98,94,75,B,train
1130,45,62,73,89,68,C,test
"""


def damaged(good, pieces):
    """`good` with a piece in place of the one or two items, or none, at some place."""
    places = st.tuples(st.integers(0, len(good)), st.integers(0, 2))
    return st.builds(lambda at, piece: good[: at[0]] + piece + good[sum(at) :], places, pieces)


def beginnings(good):
    return st.sampled_from([good[:n] for n in range(len(good))])


sizes = st.lists(st.sampled_from([0, 1, 2, 255, 2**16, 2**31, 2**32 - 1]), max_size=70)
headers = sizes.map(lambda s: bytes([0, 0, 8, len(s), *b"".join(n.to_bytes(4, "big") for n in s)]))


@given(st.binary() | damaged(IDX, st.binary(max_size=8)) | beginnings(IDX) | headers)
def test_any_bytes_are_an_array_or_a_value_error(raw):
    with contextlib.suppress(ValueError):
        array = data.parse_idx(raw)
        assert array.dtype == torch.uint8 and array.ndim == raw[3]
        assert bytes(array.flatten().tolist()) == raw[4 + 4 * array.ndim :]


@pytest.mark.parametrize("shape", [(2**32 - 1, 2**32 - 1), (2**32 - 1,), (2**24,) + (1,) * 254])
def test_a_header_that_promises_too_much_takes_no_memory(shape):
    raw = bytes([0, 0, 8, len(shape)]) + b"".join(size.to_bytes(4, "big") for size in shape)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="IDX header"):
            data.parse_idx(raw)
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


def make_grades_or_a_value_error(text):
    try:
        X_train, y_train, X_test, y_test = data.parse_grades(text)
    except ValueError as error:
        assert re.match(r"line \d+ of the grades: ", str(error))
        return
    for X, y in ((X_train, y_train), (X_test, y_test)):
        assert X.shape == (len(y), 5) and X.dtype == torch.float32 and y.dtype == torch.int64
        assert ((X >= 0) & (X <= 100)).all() and ((y >= 0) & (y < 3)).all() and len(y)


@given(st.text() | damaged(CSV, st.text(max_size=8)) | beginnings(CSV))
def test_any_text_is_grades_or_a_value_error(text):
    make_grades_or_a_value_error(text)


CELLS = ["", "nan", "inf", "-1", "1e999", "D", "val", '"', ",", "\r", "\n", "\0", "x" * 200_000]


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: repr(cell[:9]))
def test_any_cell_of_the_grades_can_be_anything(cell):
    parts = re.split("([,\n])", CSV)
    for i in range(len(parts)):
        make_grades_or_a_value_error("".join([*parts[:i], cell, *parts[i + 1 :]]))


COLUMNS = "the columns should be student_id, midterm, final, assignment_1, assignment_2, project, grade, split"
SCORES = "line 3 of the grades: the scores should be from 0 to 100, not "
WITHOUT = "the end, without a student to train on or without one to test on"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (CSV, "", f"line 1 of the grades: {COLUMNS}"),
        (CSV, "<html>404</html>", f"line 1 of the grades: {COLUMNS}"),
        ("midterm,", "", f"line 1 of the grades: {COLUMNS}"),
        ("17,100", "many,100", "line 3 of the grades: could not convert string to float: 'many'"),
        ("17,100", "nan,100", f"{SCORES}[nan, 100.0, 98.0, 94.0, 75.0]"),
        ("17,100", "17,100.5", f"{SCORES}[17.0, 100.5, 98.0, 94.0, 75.0]"),
        ("17,100", "-17,100", f"{SCORES}[-17.0, 100.0, 98.0, 94.0, 75.0]"),
        ("17,100,98", "17,100", "line 3 of the grades: 7 fields, where 8 are expected"),
        ("75,B", "75,D", "line 3 of the grades: no grade or no part: 'D', 'train'"),
        ("B,train", "B,val", "line 3 of the grades: no grade or no part: 'B', 'val'"),
        ("1121", '"1121', "line 4 of the grades: unexpected end of data"),
        ("C,test", "C,train", f"line 4 of the grades: {WITHOUT}"),
    ],
)
def test_a_bad_line_is_named(old, new, message):
    assert data.parse_grades(CSV).y_train.tolist() == [0, 1]
    assert old in CSV
    with pytest.raises(ValueError, match=re.escape(message)):
        data.parse_grades(CSV.replace(old, new))


@pytest.mark.parametrize("name", data.SHA256)
def test_an_altered_file_is_never_parsed(folder, monkeypatch, name):
    parsed = []
    monkeypatch.setattr(gzip, "decompress", lambda raw: parsed.append(raw) or IDX)
    monkeypatch.setattr(data, "parse_grades", lambda text: parsed.append(text.encode()))
    good = [(folder / other).read_bytes() for other in data.SHA256]
    with (folder / name).open("ab") as file:
        file.write(b"\n")
    with pytest.raises(data.DataFileError, match=re.escape(name)):
        data.load_mnist()
        data.load_grades()
    assert parsed == good[: list(data.SHA256).index(name)]  # the files before it, and no more


def test_a_file_altered_after_it_was_verified_is_not_read_again(folder):
    before = data.load_grades()
    (folder / "grades.csv").write_text("<html>404</html>")
    assert torch.equal(data.load_grades().X_train, before.X_train)


# Files of the course that run code when they are read


def careless_loads(source):
    """The lines on which something called `load`, of torch or another, may do more than read numbers."""
    nodes = list(ast.walk(ast.parse(source)))
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    careful = {
        call.func
        for call in calls
        if "weights_only=True" in map(ast.unparse, call.keywords) or not (call.args or call.keywords)  # reads no file
    }
    return [
        node.lineno
        for node in nodes
        if (isinstance(node, ast.Attribute) and node.attr == "load" and node not in careful)
        or (isinstance(node, ast.ImportFrom) and any(name.name == "load" for name in node.names))
    ]


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("state = torch.load(file, weights_only=True)", []),
        ("torch.load(file)", [1]),
        ("\ntorch.load(file, weights_only=False)", [2]),
        ("torch.load(file, weights_only=flag)", [1]),
        ("torch.load(file, **options)", [1]),
        ("torch.load(file, **dict(weights_only=True))", [1]),
        ("read = torch.load\nread(file)", [1]),
        ("import torch as t\nt.serialization.load(file)", [2]),
        ("from torch import load", [1]),
        ("pickle.load(file)", [1]),
        ("store.load()", []),
        ("data.load_mnist(folder)", []),
    ],
)
def test_careless_loads_are_found(source, lines):
    assert careless_loads(source) == lines


def sources():
    """All code of the course that loads anything, as (where, source)."""
    for path in (
        *[p for folder in ("helpers", "tools", "programs") for p in (ROOT / folder).rglob("*.py")],
        *NOTEBOOKS,
    ):
        if path.suffix == ".py":
            parts = [(path.name, path.read_text(encoding="utf-8"))]
        else:
            cells = nbformat.read(path, as_version=4).cells
            parts = [(f"{path.name}, {c.id}", c.source) for c in cells if c.cell_type == "code"]
        yield from ((where, source) for where, source in parts if "load" in source)


def test_models_are_loaded_as_numbers_only():
    found = [f"{where}, line {n}" for where, source in sources() for n in careless_loads(source)]
    assert found == []


class Attack:
    """Unpickled, it makes a folder; it could have done anything."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_a_model_file_that_runs_code_is_refused(tmp_path):
    """By the very calls with which the course reads one."""
    calls = [
        node
        for _, source in sources()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load"
    ]
    assert calls
    for i, call in enumerate(calls):
        call.args[0] = ast.Name("buffer")
        buffer = io.BytesIO()
        torch.save(Attack(str(tmp_path / str(i))), buffer)
        buffer.seek(0)
        with pytest.raises(pickle.UnpicklingError):
            eval(ast.unparse(call), {"torch": torch, "buffer": buffer, "device": "cpu"})
        assert not list(tmp_path.iterdir())
    buffer.seek(0)
    torch.load(buffer, weights_only=False)  # the attack is a real one
    assert list(tmp_path.iterdir())


# The progress file


@pytest.fixture
def own_progress(tmp_path, monkeypatch):
    """A progress file of one's own, with one exercise solved."""
    path = tmp_path / "progress.json"
    monkeypatch.setenv("COURSE_PROGRESS", str(path))
    monkeypatch.setattr(store, "_in_memory", {})
    assert store.record("result_shape", solved=True, hints=0) is None
    return path


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_loses_nothing(own_progress, capsys):
    exercise = course.find("nudged_gradient")
    course.check(exercise.name, exercise.mistakes[0].answer)
    before = own_progress.read_bytes()
    new = own_progress.with_suffix(".new")
    new.symlink_to("/dev/full")
    capsys.readouterr()
    course.check(exercise.name, exercise.solution)
    printed = " ".join(capsys.readouterr().out.split())
    assert "right." in printed and "could not be saved" in printed
    assert os.strerror(errno.ENOSPC) in printed
    assert own_progress.read_bytes() == before
    # this kernel knows what the file does not, and saves it as soon as there is room again
    assert course.progress(as_dict=True)["00"][exercise.name]["state"] == "solved"
    new.unlink()
    assert store.record("squared_error", solved=True, hints=0) is None
    states = {name: entry["state"] for name, entry in json.loads(own_progress.read_text()).items()}
    assert states == dict.fromkeys(("result_shape", "nudged_gradient", "squared_error"), "solved")


def save_and_be_killed(limit):
    """Save progress under a limit on file sizes: the system kills this process as soon as a file reaches it."""
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    store.record("squared_error", solved=True, hints=0)


@posix
def test_a_kernel_killed_while_it_saves_leaves_a_whole_file(own_progress):
    before = own_progress.read_bytes()
    kernel = FORK.Process(target=save_and_be_killed, args=(len(before) // 2,))
    kernel.start()
    kernel.join()
    assert kernel.exitcode == -signal.SIGXFSZ
    assert own_progress.read_bytes() == before
    assert store.record("squared_error", solved=True, hints=0) is None  # nor does its lock remain
    assert set(json.loads(own_progress.read_text())) == {"result_shape", "squared_error"}


# No network


def datagrams():
    return socket.socket(type=socket.SOCK_DGRAM)


WAYS_OUT = {
    "connect": lambda: socket.create_connection(("192.0.2.1", 80), timeout=1),
    "connect, IPv4": lambda: socket.socket().connect(("192.0.2.1", 80)),
    "connect, IPv6": lambda: socket.socket(socket.AF_INET6).connect(("2001:db8::1", 80)),
    "sendto": lambda: datagrams().sendto(b"?", ("192.0.2.1", 53)),
    "getaddrinfo": lambda: socket.getaddrinfo("example.com", 443),
    "getnameinfo": lambda: socket.getnameinfo(("192.0.2.1", 80), 0),
    "gethostbyname": lambda: socket.gethostbyname("example.com"),
    "gethostbyaddr": lambda: socket.gethostbyaddr("example.com"),
}
if sys.platform != "win32":
    WAYS_OUT["sendmsg"] = lambda: datagrams().sendmsg([b"?"], [], 0, ("192.0.2.1", 53))


@pytest.mark.parametrize("way", WAYS_OUT)
def test_the_tests_run_without_a_network(way):
    with pytest.raises(OSError, match="the tests run without a network"):
        WAYS_OUT[way]()


def test_the_tests_reach_this_machine():
    with socket.create_server(("localhost", 0)) as server:
        socket.create_connection(server.getsockname()).close()


REACH_OUT = """
import socket
socket.create_connection(("192.0.2.1", 80), timeout=1)
"""


def make(*arguments, cwd=ROOT):
    """Run make as if it were called by hand."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH" and not k.startswith("MAKE")}
    return subprocess.run(["make", *arguments], cwd=cwd, env=env, capture_output=True, text=True)


@posix
def test_the_notebooks_run_without_a_network_under_nbval(tmp_path):
    """What make calls here instead of pytest is a Python that reaches out. (Of kernels, see below.)"""
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nexec {shlex.join([sys.executable, '-c', REACH_OUT])}\n")
    python.chmod(0o755)
    result = make("-o", ".venv/ready", "nbval", f"BIN={shlex.quote(str(tmp_path))}")
    assert "the tests run without a network" in result.stderr


# Kernels: the stop button, and a restart in the middle

# Each of these is the code of a cell.


def check_an_exercise():
    from helpers import exercises as course

    course.check("squared_error", course.find("squared_error").solution)


def train():
    import torch

    from helpers.training import fit

    steps = []

    def loss_fn(y_hat, y):
        steps.append(1)
        if len(steps) == 100:
            print("well under way", flush=True)
        return ((y_hat - y) ** 2).mean()

    x = torch.linspace(-1, 1, 6).unsqueeze(1)
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return model, fit(model, [(x, 2 * x + 1)], loss_fn, optimizer, epochs=10**9)


def use(model, history):
    assert history.interrupted and 99 <= len(history) == len(history["loss"]) < 10**9
    assert not model.training
    print(f"{model(model.weight.new_tensor([[3.0]])).item():.1f}")


def calling(function, call):
    """The source of a cell that defines a function and calls it."""
    return f"{inspect.getsource(function)}\n{call}"


def test_a_kernel_is_stopped_and_restarted(own_progress):
    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=120)
    printed = []

    def run(code):
        """What the cell prints, and the error that it ends in."""
        printed.clear()
        reply = client.execute_interactive(code, output_hook=hook, timeout=120)["content"]
        return "".join([*printed, reply.get("ename", ""), reply.get("evalue", "")])

    def hook(message):
        printed.append(message["content"].get("text", ""))
        if "well under way" in printed[-1]:
            manager.interrupt_kernel()  # as the stop button does

    try:
        assert "right." in run(calling(check_an_exercise, "check_an_exercise()"))
        assert "well under way" in run(calling(train, "model, history = train()"))
        assert run(calling(use, "use(model, history)")) == "7.0\n"
        manager.restart_kernel(now=True)
        client.wait_for_ready(timeout=120)
        assert "NameError" in run("use(model, history)")
        assert "2 of" in run("from helpers.exercises import progress\nprogress()")
        # no network in a kernel, nor in what it starts
        assert "without a network" in run(REACH_OUT)
        program = f"[sys.executable, '-c', {REACH_OUT!r}], capture_output=True, text=True"
        child = f"import subprocess, sys\nprint(subprocess.run({program}).stderr)"
        assert "without a network" in run(child)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


# Places: a folder with any name, any working directory, nothing that can be written


def checkout(folder):
    """A copy of the course in a folder, as far as a notebook needs it."""
    for part in ("helpers", "data"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


READER = """
import matplotlib.pyplot as plt
import helpers
from helpers import exercises as course
from helpers.data import load_grades, load_mnist
from helpers.plotting import show_images, use_style

use_style()
assert load_grades().X_train.shape == (17, 5)
show_images(load_mnist().X_test[:3])
plt.gcf().canvas.draw()
course.check("squared_error", course.find("squared_error").solution)
course.check("nudged_gradient", course.find("nudged_gradient").mistakes[0].answer)
course.progress()
print(helpers.__file__)
"""


def test_any_folder_and_any_working_directory(tmp_path, monkeypatch):
    """Also where all letters are ASCII. Nothing tells the kernel where the course is."""
    place = checkout(tmp_path / "Ann's course ü 강의" / "a b")
    work = place / "notebooks" / "from_teacher"
    work.mkdir(parents=True)
    saved = tmp_path / "내 진도" / "progress.json"
    monkeypatch.setenv("COURSE_PROGRESS", str(saved))
    monkeypatch.setenv("LC_ALL", "C")
    setup = nbformat.read(NOTEBOOKS[0], as_version=4).cells[1]
    notebook = new_notebook(cells=[setup, new_code_cell(READER)])
    here = {"metadata": {"path": work}}
    NotebookClient(notebook, kernel_name="python3", timeout=120, resources=here).execute()
    outputs = notebook.cells[1].outputs
    assert [output.output_type for output in outputs].count("display_data") == 1
    text = "".join(output.text for output in outputs if output.output_type == "stream")
    assert "right." in text and "1 of" in text and str(place) in text
    assert set(json.loads(saved.read_text())) == {"squared_error", "nudged_gradient"}


def obey_permissions():
    """Take from root, in a child, the power to write what is read-only. For others there is nothing to take."""
    if sys.platform == "linux":
        drop_from_bounding_set, override_permissions = 24, 1
        ctypes.CDLL(None).prctl(drop_from_bounding_set, override_permissions, 0, 0, 0)


@posix
def test_a_checkout_and_a_home_that_are_read_only(tmp_path, monkeypatch):
    place, home = checkout(tmp_path / "course"), tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    for name in ("COURSE_PROGRESS", "MPLCONFIGDIR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MPLBACKEND", "agg")
    saved = store._path()
    assert saved.is_relative_to(home)
    saved.parent.mkdir(parents=True)
    saved.write_text('{"result_shape": {"state": "solved", "attempts": 1, "hints": 0}}')
    for path in (place, home):
        for folder, _, files in os.walk(path):
            for name in ("", *files):
                os.chmod(os.path.join(folder, name), 0o555)
    prove = f"import os\nassert not any(os.access(f, os.W_OK) for f in {[str(place), str(home)]})\n"
    result = subprocess.run(
        [sys.executable, "-c", prove + READER],
        cwd=place,
        preexec_fn=obey_permissions,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0 and "Traceback" not in result.stderr, result.stderr
    text = " ".join(result.stdout.split())
    assert "right." in text and str(place) in text
    assert "2 of" in text  # what was in the file, and what is not
    sentence = f"Your progress could not be saved in progress.json: {os.strerror(errno.EACCES)}."
    assert text.count(sentence) == text.count("could not be saved") == 2  # once for each check


# A Python that is too old, or too new


@posix
@pytest.mark.parametrize(
    ("version", "target", "accepted"),
    [
        ("3.10.14", "lab", False),
        ("3.11.0", "lab", True),
        ("3.11.0", "nbval", True),
        ("3.14.2", "lab", True),
        ("3.15.0", "lab", False),
    ],
)
def test_a_python_too_old_or_too_new_is_refused_with_a_sentence(tmp_path, version, target, accepted):
    """And for another, an environment is made, with the network that this takes."""
    (tmp_path / "tools").mkdir()
    for name in ("Makefile", "requirements.txt", "tools/ready.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    # A Python that claims to be of this version, and makes no environment
    numbers = tuple(map(int, version.split(".")))
    python = tmp_path / "python"
    claim = f"sys.version_info, sys.executable = {numbers}, {str(python)!r}"
    program = f"import runpy, sys; {claim}; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    stop = 'if [ "$1" = -m ]; then echo "goes on, PYTHONPATH=$PYTHONPATH;"; exit 1; fi'
    python.write_text(f'#!/bin/sh\n{stop}\nexec {shlex.join([sys.executable, "-c", program])} "$@"\n')
    python.chmod(0o755)
    result = make(target, f"PYTHON={shlex.quote(str(python))}", cwd=tmp_path)
    assert result.returncode != 0 and ("goes on, PYTHONPATH=;" in result.stdout) is accepted
    sentence = f"This course needs Python 3.11 to 3.14; {python} is Python 3.{numbers[1]}."
    assert (sentence in result.stderr) is not accepted and "Traceback" not in result.stderr
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (version in SpecifierSet(project["requires-python"])) is accepted
