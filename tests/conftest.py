import gc
import os
import runpy
import shutil
from pathlib import Path

import matplotlib
import pytest
from hypothesis import settings

matplotlib.use("Agg")
# The tests fork, and a forked process can use neither a GPU nor the threads that OpenMP started in its parent: it would
# wait for them for ever. (nbval runs the notebooks on a GPU, and `make run` with two threads.)
os.environ |= {"COURSE_DEVICE": "cpu", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
# The same random examples in every run, and no limit that a busy machine could break
settings.register_profile("course", derandomize=True, deadline=None, database=None)
settings.load_profile("course")

# They have an environment of their own: make browser
collect_ignore = ["browser"]

# No test reaches the network: neither this process nor any Python that it starts.
OFFLINE = Path(__file__).resolve().parent / "offline"
others = os.environ.get("PYTHONPATH")
os.environ["PYTHONPATH"] = f"{OFFLINE}{os.pathsep}{others}" if others else str(OFFLINE)
runpy.run_path(str(OFFLINE / "sitecustomize.py"))


def pytest_collection_finish():
    gc.freeze()  # PyTorch and thousands of tests stay: each search for garbage would go through them


@pytest.fixture(autouse=True)
def close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A copy of the data to break, with no file verified yet."""
    from helpers import data

    copy = shutil.copytree(data.FOLDER, tmp_path / "data")
    monkeypatch.setattr(data, "FOLDER", copy)
    data._data_file.cache_clear()
    yield copy
    data._data_file.cache_clear()
