"""Whether two values are the same, as far as a reader can see; the difference is told in a sentence."""

import inspect
import numbers as kinds
from decimal import Decimal

import numpy as np
import torch

from helpers.exercises.engine.words import MESSAGES, Text

MANY = 24  # entries that can still be read when they stand in one line
LONG = 200  # letters


class Wrong(Exception):
    """The answer is wrong; `message`, a Text, says how. error: what was raised, if that is the reason."""

    def __init__(self, message, error=None):
        super().__init__(message)
        self.message, self.error = message, error


def compare(what, expected, got, *, rtol, atol):
    """Raises Wrong where `got` differs from `expected`.

    Numbers of every kind are compared as numbers, whatever holds them (Python, NumPy, torch); tuples and lists entry by
    entry; all else by ==. what: a Text that begins the sentence.
    """
    _compare(what, expected, got, rtol, atol, MESSAGES["gives None"])


def _compare(what, expected, got, rtol, atol, none=MESSAGES["is None"]):
    if got is None and expected is not None:
        raise Wrong(none(what=what))
    if got is ...:
        raise Wrong(MESSAGES["dots"](what=what))
    if isinstance(expected, (bool, np.bool_)):
        if not _is_truth(got) or bool(got) != expected:
            raise _differs(what, expected, got)
    elif isinstance(expected, (tuple, list)):
        _compare_entries(what, expected, got, rtol, atol)
    elif isinstance(expected, (torch.Tensor, np.ndarray, np.generic, kinds.Number)):
        _compare_numbers(what, expected, got, rtol, atol)
    elif not isinstance(got, type(expected)) or got != expected:
        raise _differs(what, expected, got)


def _is_truth(value):
    """Whether a value is one True or False (or 1 or 0)."""
    try:
        number = numbers("", value)
    except Wrong:
        return False
    return number.numel() == 1 and float(number) in (0, 1)


def _compare_entries(what, expected, got, rtol, atol):
    if isinstance(got, (torch.Tensor, np.ndarray)) and got.ndim > 0:
        got = list(numbers(what, got))
    if not isinstance(got, (tuple, list)):
        raise Wrong(MESSAGES["kind"](what=what, expected=show(expected), got=show(got)))
    if len(got) != len(expected):
        raise Wrong(MESSAGES["length"](what=what, expected=len(expected), got=len(got)))
    for i, (e, g) in enumerate(zip(expected, got, strict=True)):
        entry = what if len(expected) == 1 else MESSAGES["entry"](what=what, entry=i)
        _compare(entry, e, g, rtol, atol)


def _compare_numbers(what, expected, got, rtol, atol):
    expected = numbers(what, expected)
    if isinstance(got, (list, tuple)) and expected.ndim:
        tensors = [v for v in got if isinstance(v, torch.Tensor)]
        if isinstance(got, tuple) and len(got) == len(tensors) == 1:
            raise Wrong(MESSAGES["one in a tuple"](what=what))
        form = "list of tensors" if any(v.ndim for v in tensors) else "list"
        raise Wrong(MESSAGES[form](what=what, type=type(got).__name__))
    if isinstance(got, bool) and expected.dtype != torch.bool:
        raise Wrong(MESSAGES["kind"](what=what, expected=show(expected), got=show(got)))
    got = numbers(what, got, instead=expected)
    a, b = expected.double(), got.double()
    if b.shape != a.shape and not (a.ndim == 0 and b.numel() == 1):
        raise Wrong(MESSAGES["shape"](what=what, expected=_shape(a), got=_shape(b)))
    b = b.reshape(a.shape)
    if a.isfinite().all() and not b.isfinite().all():
        raise Wrong(MESSAGES["nan"](what=what))
    near = torch.isclose(b, a, rtol=rtol, atol=atol, equal_nan=True)
    if not near.all():
        if expected.is_floating_point() and not got.is_floating_point() and a.trunc().equal(b):
            raise Wrong(MESSAGES["integers"](what=what, got=str(got.dtype)))
        if a.numel() > MANY:  # the first that differs
            entry = tuple((~near).nonzero()[0].tolist())
            what = MESSAGES["entry"](what=what, entry=show(entry if a.ndim > 1 else entry[0]))
            a, b = a[entry], b[entry]
        raise _differs(what, a, b)
    if a.ndim and got.is_floating_point() and expected.dtype == torch.int64:
        raise Wrong(MESSAGES["floats"](what=what, got=str(got.dtype)))


def _differs(what, expected, got):
    expected, got = show_both(expected, got)
    return Wrong(MESSAGES["differs"](what=what, expected=expected, got=got))


def _shape(tensor):
    return tuple(tensor.shape) or MESSAGES["a single number"]


def numbers(what, value, *, instead=MESSAGES["a tensor"]):
    """The real numbers in a value of any kind: a tensor on the CPU, float64, int64 or bool, that shares no memory.

    what: a Text that begins the sentence. instead: what is expected there. Raises Wrong where there are no real numbers.
    """
    try:
        tensor = _tensor(value)
    except KeyboardInterrupt:
        raise
    except BaseException:  # whatever a value may do that is no number
        expected = instead if isinstance(instead, Text) else show(instead)
        got = show(value)
        if inspect.isroutine(value):
            got = MESSAGES["not called"](name=got)
        elif str(got) == str(expected):  # an object that only looks like it
            got = MESSAGES["a thing"](type=_name(value))
        raise Wrong(MESSAGES["kind"](what=what, expected=expected, got=got)) from None
    if tensor.device.type == "meta":
        raise Wrong(MESSAGES["no numbers"](what=what, got=str(tensor.device)))
    try:
        return _wide(tensor)
    except TypeError:
        raise Wrong(MESSAGES["imaginary"](what=what)) from None


def _wide(tensor):
    """The same numbers as float64, int64 or bool. Raises TypeError for imaginary ones."""
    if tensor.is_complex():
        if tensor.imag.any():
            raise TypeError("imaginary")
        tensor = tensor.real
    if tensor.is_floating_point():
        return tensor.double()
    return tensor if tensor.dtype == torch.bool else tensor.long()


def _tensor(value):
    if isinstance(value, torch.Tensor):
        value = value.detach()
        if value.device.type == "meta":
            return value
        if value.layout != torch.strided:
            value = value.to_dense()
        if value.is_quantized:
            value = value.dequantize()
        return value.cpu().clone().resolve_conj().resolve_neg().contiguous()
    if isinstance(value, (list, tuple)):
        if all(type(v) in (int, float) for v in value):
            return torch.tensor(value, dtype=None if value else torch.float64)
        return torch.stack([_wide(_tensor(v)) for v in value])
    if isinstance(value, bool):
        return torch.tensor(value)
    if isinstance(value, int):
        return torch.tensor(value if abs(value) < 2**63 else float(value))
    if isinstance(value, (kinds.Real, Decimal)) and not isinstance(value, np.generic):
        return torch.tensor(float(value), dtype=torch.float64)
    array = np.asarray(value)  # NumPy, complex, pandas ...
    if array.dtype == object and all(isinstance(v, (kinds.Real, Decimal)) for v in array.flat):
        array = array.astype(np.float64)
    if array.dtype.kind not in "biufc":
        raise TypeError(f"no numbers: {array.dtype}")
    wide = {"i": np.int64, "u": np.int64, "f": np.float64, "c": np.complex128}
    return torch.from_numpy(array.astype(wide.get(array.dtype.kind, bool), order="C"))


def show(value, digits=4):
    """A value as short as it can be read, with so many decimals: a str, or a Text where only its kind is told."""
    try:
        text = _show(value, digits)
        if isinstance(text, Text):
            return text
        text = " ".join(text.split())
        if len(text) <= LONG:
            return text
    except KeyboardInterrupt:
        raise
    except BaseException:  # a __repr__ that fails, a list that holds itself, an integer of a million digits ...
        return MESSAGES["a thing"](type=_name(value))
    if isinstance(value, (list, tuple)):
        return MESSAGES["many"](type=_name(value), count=len(value))
    return MESSAGES["a thing"](type=_name(value))


def _name(value):
    return type(value).__name__[:60]


def _show(value, digits, depth=0):
    if depth > 8:
        raise ValueError("too deep")
    if isinstance(value, np.ndarray) and value.dtype.kind not in "biufc":
        return MESSAGES["a thing"](type="ndarray")
    if isinstance(value, (torch.Tensor, np.ndarray)):
        tensor = _tensor(value)
        if tensor.device.type == "meta":
            return MESSAGES["a tensor without numbers"]
        if tensor.numel() > MANY:
            return MESSAGES["a tensor of shape"](shape=tuple(tensor.shape))
        return _show(tensor.tolist(), digits, depth)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        value += 0.0  # no minus zero
        if value == 0 or 1e-3 <= abs(value) < 1e6:
            text = f"{value:.{digits}f}"
            return text.rstrip("0").rstrip(".") if "." in text else text
        return f"{value:.{digits - 1}e}"
    if isinstance(value, (list, tuple)):
        if len(value) > LONG:
            return MESSAGES["many"](type=type(value).__name__, count=len(value))
        inside = ", ".join(str(_show(item, digits, depth + 1)) for item in value)
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' * (len(value) == 1)})"
    if isinstance(value, (kinds.Number, Decimal)) and not isinstance(value, (int, complex)):
        return str(value)
    if callable(value):
        return getattr(value, "__name__", type(value).__name__)
    text = repr(value)
    # an address in memory differs from run to run
    return text if " at 0x" not in text else MESSAGES["a thing"](type=_name(value))


def show_both(one, other):
    """Both values, with as many decimals as it takes to see that they differ."""
    for digits in range(4, 17):
        shown = show(one, digits), show(other, digits)
        if str(shown[0]) != str(shown[1]):
            break
    return shown
