import hashlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from sklearn import datasets
from torch.utils.data import DataLoader

from helpers import data

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def mnist():
    return data.load_mnist()


def test_mnist_is_the_published_data(mnist):
    assert mnist.X_train.shape == (60000, 28, 28) and mnist.X_test.shape == (10000, 28, 28)
    assert mnist.X_train.dtype == torch.uint8 and mnist.y_train.dtype == torch.int64
    # The well-known class counts of both parts, and the well-known mean and deviation of the pixels
    assert mnist.y_train.bincount().tolist() == [
        5923,
        6742,
        5958,
        6131,
        5842,
        5421,
        5918,
        6265,
        5851,
        5949,
    ]
    assert mnist.y_test.bincount().tolist() == [
        980,
        1135,
        1032,
        1010,
        982,
        892,
        958,
        1028,
        974,
        1009,
    ]
    pixels = mnist.X_train.float() / 255
    assert pixels.mean().item() == pytest.approx(0.1307, abs=1e-4)
    assert pixels.std().item() == pytest.approx(0.3081, abs=1e-4)
    assert mnist.y_train[:5].tolist() == [5, 0, 4, 1, 9]


def test_mnist_belongs_to_the_caller(mnist):
    again = data.load_mnist()
    again.X_test[:] = 0
    assert mnist.X_test.any()


def test_the_grades_are_those_of_the_file_in_its_order():
    X_train, y_train, X_test, y_test = data.load_grades()
    assert X_train.shape == (17, 5) and X_test.shape == (5, 5)
    assert X_train[0].tolist() == [80, 89, 97, 92, 88] and X_test[-1].tolist() == [
        100,
        72,
        79,
        45,
        50,
    ]
    assert y_train.tolist() == [
        0,
        1,
        2,
        0,
        1,
        1,
        1,
        2,
        2,
        0,
        0,
        1,
        0,
        2,
        1,
        1,
        2,
    ] and y_test.tolist() == [
        0,
        1,
        1,
        2,
        2,
    ]
    assert X_train.dtype == torch.float32 and y_train.dtype == torch.int64


def test_the_digits_are_those_of_scikit_learn_split_evenly():
    X_train, y_train, X_test, y_test = data.load_digits()
    assert X_train.shape == (1437, 64) and X_test.shape == (360, 64)
    X, y = torch.cat([X_train, X_test]), torch.cat([y_train, y_test])
    assert X.dtype == torch.float32 and y.dtype == torch.int64
    assert (X.min(), X.max()) == (0, 1)
    # The same rows as scikit-learn's, each once
    rows = sorted((16 * torch.column_stack([X, y / 16])).int().tolist())
    images = datasets.load_digits()
    assert rows == sorted([*image, digit] for image, digit in zip(images.data, images.target, strict=True))
    shares = y_test.bincount() / y_train.bincount()
    assert (shares - 1 / 4).abs().max() < 0.01
    assert all(map(torch.equal, data.load_digits(), data.load_digits()))


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_dataset_of_grades_gives_the_same_students_one_at_a_time(split):
    X_train, y_train, X_test, y_test = data.load_grades()
    X, y = (X_train, y_train) if split == "train" else (X_test, y_test)
    dataset = data.GradesDataset(split)
    assert len(dataset) == len(y)
    for i, (scores, grade) in enumerate(dataset):
        assert torch.equal(scores, X[i]) and torch.equal(grade, y[i])
        assert scores.shape == (5,) and grade.shape == () and grade.dtype == torch.int64
    assert i == len(y) - 1
    with pytest.raises(IndexError):  # what ends a `for` over it
        dataset[len(y)]


def test_the_dataset_of_grades_waits_for_each_student(monkeypatch):
    waits = []
    monkeypatch.setattr(time, "sleep", waits.append)
    dataset = data.GradesDataset("test", wait=0.02)
    for i in range(5):
        dataset[i]
    assert waits == 5 * [0.02]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "val"}, "split is 'val', but it must be 'train' or 'test'"),
        ({"split": None}, "split is None, but it must be 'train' or 'test'"),
        ({"split": "train", "wait": -1}, "wait is -1, but nothing takes less than 0 seconds"),
    ],
)
def test_the_dataset_of_grades_refuses_another_split_or_a_negative_wait(arguments, message):
    with pytest.raises(ValueError, match=message):
        data.GradesDataset(**arguments)


def test_a_worker_that_starts_from_scratch_reads_the_same_grades():
    """As on macOS and Windows: a spawned worker is a fresh interpreter, which must import the class by its name."""
    dataset = data.GradesDataset("train", wait=0.001)
    alone, shared = (
        list(DataLoader(dataset, batch_size=5, **workers))
        for workers in ({}, {"num_workers": 1, "multiprocessing_context": "spawn"})
    )
    assert [len(y) for _, y in shared] == [5, 5, 5, 2]
    for (X1, y1), (X2, y2) in zip(alone, shared, strict=True):
        assert torch.equal(X1, X2) and torch.equal(y1, y2)


@pytest.mark.parametrize("name", ["mnist/train-images-idx3-ubyte.gz", "mnist/t10k-labels-idx1-ubyte.gz"])
@pytest.mark.parametrize("fault", ["missing", "truncated", "altered", "error page"])
def test_a_bad_mnist_file_is_named(folder, name, fault):
    path = folder / name
    good = path.read_bytes()
    if fault == "missing":
        path.unlink()
    else:
        bad = {
            "truncated": good[:-100],
            "altered": good[:500] + b"?" + good[501:],
            "error page": b"<html>404</html>",
        }
        path.write_bytes(bad[fault])
    said = f"The data file {path} is missing, or cannot be read: No such file or directory. "
    if fault != "missing":
        found = hashlib.sha256(bad[fault]).hexdigest()
        said = f"The data file {path} is damaged or altered ({len(bad[fault]):,} bytes).\n"
        said += f"  expected SHA-256 {data.SHA256[name]}\n  found    SHA-256 {found}\n"
    said += "Restore it with `git checkout -- data`, or fetch the course again; data/README.md lists every file."
    with pytest.raises(data.DataFileError, match=re.escape(said)):
        data.load_mnist()
    path.write_bytes(good)  # as soon as the file is right again, so is the course
    assert len(data.load_mnist().y_train) == 60000


def test_a_bad_grades_file_is_named(folder):
    (folder / "grades.csv").write_text("student_id\n")
    with pytest.raises(data.DataFileError, match=r"grades\.csv"):
        data.load_grades()


def test_each_file_is_verified_once_per_process(folder, monkeypatch):
    counted = []
    sha256 = data.hashlib.sha256
    monkeypatch.setattr(data.hashlib, "sha256", lambda raw: counted.append(len(raw)) or sha256(raw))
    data.load_mnist()
    data.load_mnist()
    assert len(counted) == 4


def test_checksums_in_the_readme_are_those_of_the_code():
    readme = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    assert dict(re.findall(r"`([\w./-]+)` \| `([0-9a-f]{64})`", readme)) == data.SHA256


def test_the_wheel_carries_the_data(tmp_path):
    """Built and unpacked elsewhere, the package finds its data from an empty folder that is not the checkout."""
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        tmp_path,
        ROOT,
    ]
    subprocess.run(build, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        site,
        wheel,
    ]
    subprocess.run(install, check=True)
    code = "import helpers.data as d; print(d.__file__, len(d.load_mnist().y_train), len(d.load_grades().y_test), sep='\\n')"
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(site), os.environ["PYTHONPATH"]])}
    out = subprocess.run([sys.executable, "-c", code], cwd=empty, env=env, check=True, capture_output=True, text=True)
    where, *counts = out.stdout.split("\n")
    assert Path(where).is_relative_to(site) and counts[:2] == ["60000", "5"]


def test_a_line_has_the_slope_and_the_noise_that_are_asked_for():
    x, y = data.make_line(10_000, w=2.0, b=1.0, noise=0.1, generator=torch.Generator().manual_seed(0))
    assert x.shape == y.shape == (10_000, 1) and x.min() >= 0 and x.max() < 1
    residual = y - (2 * x + 1)
    assert residual.std().item() == pytest.approx(0.1, abs=0.003) and residual.mean().item() == pytest.approx(
        0, abs=0.003
    )


def test_xor_is_the_exclusive_or_of_its_inputs():
    X, y = data.make_xor()
    assert y.tolist() == [int(a) ^ int(b) for a, b in X.tolist()]


def test_quadrants_are_labelled_by_their_signs_and_keep_the_gap():
    X, y = data.make_quadrants(1000, gap=0.3)
    assert X.shape == (1000, 2) and X.abs().min() >= 0.3 and X.abs().max() <= 5.3
    assert torch.equal(y, (X[:, 0].sign() == X[:, 1].sign()).long())
    assert 400 < y.sum() < 600


def test_spirals_unwind_to_two_arms_in_mixed_order():
    X, y = data.make_spirals(501, turns=1.75)
    assert X.shape == (501, 2) and y.bincount().tolist() == [250, 251]
    radius = X.norm(dim=1)
    assert 0.4 <= radius.min() < 0.5 and 4.8 < radius.max() <= 5.0 + 1e-5
    # Undo the winding: what is left of the angle is 0 for one arm and pi for the other.
    angle = torch.atan2(X[:, 0], X[:, 1]) - 2 * torch.pi * 1.75 * (radius - 0.4) / 4.6
    assert torch.equal((angle.cos() < 0).long(), y)
    assert (y[:250].sum() - 125).abs() < 60  # mixed, so that the first half can serve to train


def test_generators_are_repeatable():
    for make in (data.make_line, data.make_quadrants, data.make_spirals):
        first, second = (make(20, generator=torch.Generator().manual_seed(7)) for _ in range(2))
        assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_batch_loader_yields_what_a_dataloader_yields():
    X, y = torch.randn(10, 3), torch.arange(10)
    ours = list(data.batch_loader(X, y, batch_size=4))
    theirs = list(torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, y), batch_size=4))
    assert len(ours) == len(theirs) == len(data.batch_loader(X, y, batch_size=4)) == 3
    for (X1, y1), (X2, y2) in zip(ours, theirs, strict=True):
        assert torch.equal(X1, X2) and torch.equal(y1, y2)


def test_batch_loader_shuffles_anew_each_epoch_and_repeatably():
    def epochs(seed):
        generator = torch.Generator().manual_seed(seed)
        loader = data.batch_loader(torch.arange(100), batch_size=30, shuffle=True, generator=generator)
        return [torch.cat([batch for (batch,) in loader]).tolist() for _ in range(2)]

    first, second = epochs(0)
    assert sorted(first) == sorted(second) == list(range(100)) and first != second
    assert epochs(0) == [first, second] != epochs(1)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "not an IDX file of unsigned bytes: it starts with nothing"),
        (b"\x00\x00\x08", "not an IDX file of unsigned bytes: it starts with 00 00 08"),
        (b"\x00\x00\x0d\x01\x00\x00\x00\x00", "not an IDX file of unsigned bytes: it starts with 00 00 0d 01"),
        (b"<html>", "not an IDX file of unsigned bytes: it starts with 3c 68 74 6d"),
        (b"\x00\x00\x08\x01\x00\x00\x00\x05abc", "an IDX header that promises the shape [5], with 3 bytes after it"),
    ],
)
def test_parse_idx_refuses_what_is_no_idx(raw, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        data.parse_idx(raw)


def test_parse_idx_reads_rows_of_bytes():
    raw = b"\x00\x00\x08\x02" + (2).to_bytes(4, "big") + (3).to_bytes(4, "big") + bytes(range(6))
    assert data.parse_idx(raw).tolist() == [[0, 1, 2], [3, 4, 5]]
