"""What an answer can be that nobody expects, and what it could change in the world around it."""

import random
import warnings
from decimal import Decimal

import numpy as np
import torch


class NoRepr:
    def __repr__(self):
        raise RuntimeError("no words")


class Hostile:
    """Raises whatever one does with it, but for taking it along."""

    def __getattribute__(self, name):
        raise RuntimeError("no")

    def __eq__(self, other):
        raise RuntimeError("no")

    __bool__ = __len__ = __iter__ = __float__ = __array__ = __hash__ = __eq__


def selfish():
    values = [1.0]
    values.append(values)
    return values


ODD = {
    "no repr": NoRepr(),
    "hostile": Hostile(),
    "holds itself": selfish(),
    "nested": torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.jagged),
    "sparse": torch.eye(3).to_sparse(),
    "a meta tensor": torch.empty(2, device="meta"),
    "an array of text": np.array(["a", "b"]),
    "an array of objects": np.array([object(), None]),
    "a date": np.datetime64("2026-01-01"),
    "a long list": list(range(100_000)),
    "a long text": "x" * 1_000_000,
    "a long number": 10**6000,
    "an empty list": [],
    "a set": {1, 2},
    "a dictionary": {"a": 1},
    "a generator": (i for i in range(3)),
    "bytes": b"12",
    "a class": NoRepr,
    "a range": range(3),
    "an imaginary number": 1j,
    "braces": "{what} {0} {}",
    "not a number": Decimal("sNaN"),
}
with warnings.catch_warnings(action="ignore"):  # quantized tensors will leave PyTorch
    ODD["quantized"] = torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)
# What an answer must find as it was, and leave so
WORLD = (torch.get_rng_state, np.random.get_state, random.getstate, torch.is_grad_enabled, torch.get_default_dtype)
