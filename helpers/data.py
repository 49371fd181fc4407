"""Every data set of the course, as tensors. The files lie in data/ and are verified before they are read."""

import csv
import functools
import gzip
import hashlib
import io
import math
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler, TensorDataset

_HERE = Path(__file__).resolve().parent
# In a checkout the files lie beside the package, in an installed wheel inside it.
FOLDER = _HERE / "_data" if (_HERE / "_data").is_dir() else _HERE.parent / "data"

SHA256 = {
    "mnist/train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "mnist/train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "mnist/t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "mnist/t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    "grades.csv": "64480fea9eaa4286e9bf251e05af4a98431eb33a2241e45c20cb433ba32b15ed",
}

SCORES = ("midterm", "final", "assignment_1", "assignment_2", "project")
GRADES = ("A", "B", "C")  # class 0, 1, 2


class DataFileError(OSError):
    """A data file is missing or is not the file that the course was made with."""


class Split(NamedTuple):
    """What to train on and what to test on; unpacks as `X_train, y_train, X_test, y_test`."""

    X_train: torch.Tensor
    y_train: torch.Tensor
    X_test: torch.Tensor
    y_test: torch.Tensor


def load_mnist():
    """MNIST (LeCun, Cortes, Burges 1998), as it was published.

    Returns a `Split`: X_train (60000, 28, 28) and X_test (10000, 28, 28), uint8 pixels from 0 (paper) to 255 (ink);
    y_train (60000,) and y_test (10000,), int64 digits 0..9.
    Raises DataFileError where a file is missing, truncated or altered.
    """
    return Split(
        _read_idx("mnist/train-images-idx3-ubyte.gz"),
        _read_idx("mnist/train-labels-idx1-ubyte.gz").long(),
        _read_idx("mnist/t10k-images-idx3-ubyte.gz"),
        _read_idx("mnist/t10k-labels-idx1-ubyte.gz").long(),
    )


def load_grades():
    """Five scores of 22 students, and the grade they got.

    Returns a `Split`: X_train (17, 5) and X_test (5, 5), float32 scores from 0 to 100 in the order midterm, final,
    assignment 1, assignment 2, project; y_train (17,) and y_test (5,), int64 classes 0, 1, 2 for A, B, C.
    Raises DataFileError where the file is missing or altered.
    """
    return parse_grades(_data_file("grades.csv").decode("utf-8"))


def load_digits():
    """The 1,797 handwritten digits of 8 x 8 pixels that come with scikit-learn (Alpaydin and Kaynak 1998), as rows.

    Returns a `Split`: X_train (1437, 64) and X_test (360, 64), float32 pixels from 0 (paper) to 1 (ink); y_train (1437,)
    and y_test (360,), int64 digits 0..9. Every call, and every notebook, gets the same split, with equal shares of digits.
    """
    from sklearn import datasets
    from sklearn.model_selection import train_test_split

    pixels, digits = datasets.load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        torch.tensor(pixels / 16, dtype=torch.float32),
        torch.tensor(digits),
        test_size=0.2,
        random_state=0,
        stratify=digits,
    )
    return Split(X_train, y_train, X_test, y_test)


class GradesDataset(Dataset):
    """The students of `load_grades`, one at a time: item i is the scores (5,) float32 and the grade () int64.

    split: "train" (17 students) or "test" (5). wait: seconds that each item takes longer; stands for a slow disk or
    network. The class lives in a module because the worker processes of a DataLoader must be able to import it.
    Raises ValueError for an unknown split or a negative wait, DataFileError as `load_grades` does.
    """

    def __init__(self, split, *, wait=0.0):
        if split not in ("train", "test"):
            raise ValueError(f"split is {split!r}, but it must be 'train' or 'test'")
        if wait < 0:
            raise ValueError(f"wait is {wait}, but nothing takes less than 0 seconds")
        grades = load_grades()
        self.X, self.y = grades[:2] if split == "train" else grades[2:]
        self.wait = wait

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        if self.wait:
            time.sleep(self.wait)
        return self.X[i], self.y[i]


def make_line(n=100, *, w=2.0, b=1.0, noise=0.1, generator=None):
    """Points near the line y = w x + b.

    Returns x (n, 1), uniform in [0, 1), and y (n, 1), with Gaussian noise of standard deviation `noise`.
    """
    x = torch.rand(n, 1, generator=generator)
    return x, w * x + b + noise * torch.randn(n, 1, generator=generator)


def make_xor():
    """The four points that no line separates: X (4, 2) of zeros and ones, y (4,) = 1 where the two differ."""
    X = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    return X, torch.tensor([0, 1, 1, 0])


def make_quadrants(n=500, *, gap=0.3, generator=None):
    """XOR with many points: the class is 1 where both coordinates have the same sign, else 0.

    Returns X (n, 2), uniform in a square of half-width 5 + gap but for a cross of half-width `gap` around the axes, and
    y (n,) int64. The gap keeps the classes apart, so that a continuous function can tell them without error.
    """
    X = 10 * torch.rand(n, 2, generator=generator) - 5
    X = X + gap * torch.where(X >= 0, 1.0, -1.0)
    return X, (X[:, 0] * X[:, 1] > 0).long()


def make_spirals(n=500, *, turns=1.75, generator=None):
    """Two spiral arms, one per class, opposite each other.

    Returns X (n, 2), in random order, and y (n,) int64, half 0 and half 1 (for odd n, class 1 gets the extra point).
    The radius grows from 0.4 to 5: at the origin itself both classes would share a point.
    """
    y = (torch.arange(n) % 2 == 0).long()[torch.randperm(n, generator=generator)]
    t = torch.rand(n, generator=generator)  # how far along the arm, 0..1
    radius = 0.4 + 4.6 * t
    angle = 2 * math.pi * turns * t + math.pi * y
    return torch.stack([radius * angle.sin(), radius * angle.cos()], dim=1), y


def batch_loader(*tensors, batch_size, shuffle=False, generator=None):
    """A DataLoader that takes each batch out of the tensors with one indexing operation.

    tensors: each (n, ...), with the same n; a batch is one piece (batch_size, ...) of each, the last may be smaller.
    Yields what `DataLoader(TensorDataset(...))` yields (with `shuffle` in another random order), several times faster: no
    sample is handled on its own.
    """
    dataset = _Rows(*tensors)
    batches = _Batches(len(dataset), batch_size, shuffle, generator)
    return DataLoader(dataset, sampler=batches, batch_size=None)


class _Rows(TensorDataset):
    """Takes many rows at once. `index_select` copies each in one piece, and so is faster than `tensor[rows]`."""

    def __getitem__(self, rows):
        return tuple(tensor.index_select(0, rows.to(tensor.device)) for tensor in self.tensors)


class _Batches(Sampler):
    """The row numbers of each batch, as one tensor: a list of them would take longer to read than the rows."""

    def __init__(self, n, batch_size, shuffle, generator):
        self.n, self.batch_size, self.shuffle, self.generator = n, batch_size, shuffle, generator

    def __len__(self):
        return math.ceil(self.n / self.batch_size)

    def __iter__(self):
        if self.shuffle:
            order = torch.randperm(self.n, generator=self.generator)
        else:
            order = torch.arange(self.n)
        yield from order.split(self.batch_size)


def parse_idx(raw):
    """The array of unsigned bytes in an IDX file (the format of MNIST), given the file's decompressed bytes.

    The header is two zero bytes, the type (8: unsigned byte), the number of dimensions, and each dimension as a
    big-endian 32-bit integer. Returns a uint8 tensor of those dimensions. Raises ValueError where the bytes are not so.
    """
    if len(raw) < 4 or raw[:3] != b"\x00\x00\x08":
        raise ValueError(f"not an IDX file of unsigned bytes: it starts with {bytes(raw[:4]).hex(' ') or 'nothing'}")
    start = 4 + 4 * raw[3]
    shape = [int.from_bytes(raw[i : i + 4], "big") for i in range(4, start, 4)]
    if len(raw) < start or len(raw) - start != math.prod(shape):
        raise ValueError(f"an IDX header that promises the shape {shape}, with {len(raw) - start} bytes after it")
    return torch.from_numpy(np.frombuffer(raw, dtype=np.uint8)[start:].reshape(shape).copy())


def parse_grades(text):
    """The `Split` in the text of grades.csv: a line with the names of the columns, then one line for each student.

    Raises ValueError, with the number of the line, where the text is not so.
    """
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns = ["student_id", *SCORES, "grade", "split"]
    parts = {"train": ([], []), "test": ([], [])}
    try:
        if next(lines, None) != columns:
            raise ValueError(f"the columns should be {', '.join(columns)}")
        for line in lines:
            if len(line) != len(columns):
                raise ValueError(f"{len(line)} fields, where {len(columns)} are expected")
            _, *scores, grade, split = line
            scores = [float(score) for score in scores]
            if not all(0 <= score <= 100 for score in scores):  # so that NaN is refused, too
                raise ValueError(f"the scores should be from 0 to 100, not {scores}")
            if grade not in GRADES or split not in parts:
                raise ValueError(f"no grade or no part: {grade!r}, {split!r}")
            X, y = parts[split]
            X.append(scores)
            y.append(GRADES.index(grade))
        if not all(y for _, y in parts.values()):
            raise ValueError("the end, without a student to train on or without one to test on")
    except (ValueError, csv.Error) as error:
        raise ValueError(f"line {lines.line_num or 1} of the grades: {error}") from None
    return Split(*(torch.tensor(column) for part in parts.values() for column in part))


def _read_idx(name):
    return parse_idx(gzip.decompress(_data_file(name)))


@functools.cache  # each file is read and verified once per process; a failure is not remembered
def _data_file(name):
    """The bytes of a file in data/, verified. Raises DataFileError where it is missing or altered."""
    path = FOLDER / name
    restore = "Restore it with `git checkout -- data`, or fetch the course again; data/README.md lists every file."
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataFileError(
            f"The data file {path} is missing, or cannot be read: {error.strerror}. {restore}"
        ) from None
    found = hashlib.sha256(raw).hexdigest()
    if found != SHA256[name]:
        raise DataFileError(
            f"The data file {path} is damaged or altered ({len(raw):,} bytes).\n"
            f"  expected SHA-256 {SHA256[name]}\n  found    SHA-256 {found}\n{restore}"
        )
    return raw  # these very bytes, for the file may change after this
