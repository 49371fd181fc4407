"""Notebook 11 starts programs: an error in one is shown whole, none is waited for longer than said, none is left behind."""

import os
import signal
import subprocess
import threading
import time

import pytest
from exercise_cells import cells_of, notebook_cells
from processes import TorchrunOfCopies, needs_fork, runs

pytestmark = needs_fork

# Each process says that it is there, and then does what it never ends doing by itself.
HANGS = """
from pathlib import Path

Path(f"process_{os.getpid()}").touch()
time.sleep(3600)
"""


@pytest.fixture
def notebook(monkeypatch, tmp_path):
    """The names of the cells that begin and start a program, in a folder of the test."""
    monkeypatch.setattr(subprocess, "Popen", TorchrunOfCopies)
    sources = {cell.id: cell.source for cell in cells_of("11")}
    names = {"folder": tmp_path}
    for source in (notebook_cells("11")[1], sources["begin"], sources["torchrun"]):
        exec(source, names)
    X, y = names["torch"].rand(4, 784), names["torch"].arange(4)
    names["torch"].save((X, y, X, y), tmp_path / "images.pt")
    return names


def start(notebook, program, **settings):
    (notebook["folder"] / "program.py").write_text(notebook["BEGIN"] + program)
    return notebook["torchrun"]("program.py", "--standalone", "--nproc-per-node=2", **settings)


def processes(folder):
    """The processes that are or were there, by number."""
    return [int(file.name.removeprefix("process_")) for file in folder.glob("process_*")]


def test_what_a_program_prints_is_returned(notebook):
    assert start(notebook, 'print(f"rank {rank}\\n", end="", flush=True)') == "rank 0\nrank 1"


def test_an_error_in_one_process_is_shown_whole(notebook):
    with pytest.raises(RuntimeError, match="ValueError: four is too many") as caught:
        start(notebook, 'if rank == 1:\n    raise ValueError("four is too many")' + HANGS)
    assert "program.py" in str(caught.value), "where it happened"
    assert not any(map(runs, processes(notebook["folder"])))


def test_a_program_that_hangs_is_ended_after_the_seconds_given(notebook):
    with pytest.raises(RuntimeError):
        start(notebook, HANGS, seconds=8)
    assert len(processes(notebook["folder"])) == 2
    assert not any(map(runs, processes(notebook["folder"])))


def test_an_interrupt_ends_all_processes(notebook):
    def interrupt():
        deadline = time.monotonic() + 60
        while len(processes(notebook["folder"])) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(RuntimeError):
        start(notebook, HANGS)
    assert len(processes(notebook["folder"])) == 2
    assert not any(map(runs, processes(notebook["folder"])))
