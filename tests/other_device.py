"""A GPU for machines without one: tensors that say they live on `cuda`, with real numbers.

What is moved to `cuda`, or made there, stays in the memory of the CPU and gets a mark. What is computed from it is
marked, too, and names `cuda:0` as its device. What a GPU refuses is refused in the same words: two devices in one
operation, `.numpy()` and so a plot, random numbers from a generator of the CPU. All values and gradients are real, so
an assertion holds or fails as it would there, and a forgotten `.to(device)` is an error.
"""

import contextlib
from unittest import mock

import torch
from torch.overrides import TorchFunctionMode

GPU = torch.device("cuda", 0)


@contextlib.contextmanager
def other_device():
    """Within the `with` block, PyTorch has a GPU."""
    load = torch.load

    def load_there(file, *, map_location=None, **options):
        loaded = load(file, map_location="cpu", **options)
        return _mark(loaded) if _names_gpu(map_location) else loaded

    with mock.patch("torch.load", load_there), _OtherDevice():
        yield


def is_there(tensor):
    # The mark sits on the memory: a view, a parameter and `p.data = tensor` share it.
    return getattr(tensor.untyped_storage(), "there", False)


class _OtherDevice(TorchFunctionMode):
    """Sees every call of a torch function before it runs, and marks what comes out of it."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs, name = kwargs or {}, function.__name__
        if name in ("__get__", "__set__"):  # of an attribute: X.device, p.data = ...
            name = f"{name} {getattr(function.__self__, '__name__', '')}"
        if name == "to" or (name == "as_tensor" and isinstance(args[0], torch.Tensor)):
            return _move(*args, **kwargs)
        if name == "cpu":
            return _move(*args, "cpu")
        there = _is_there_after(name, args, kwargs)
        if there:
            if name == "__get__ device":
                return GPU
            if name in ("__get__ is_cpu", "__get__ is_cuda"):
                return name == "__get__ is_cuda"
            if name in ("numpy", "__array__"):
                raise TypeError(
                    f"can't convert {GPU} device type tensor to numpy. "
                    "Use Tensor.cpu() to copy the tensor to host memory first."
                )
            if kwargs.get("generator") is not None:
                raise RuntimeError("Expected a 'cuda' device type for generator but found 'cpu'")
        kwargs = {key: "cpu" if _names_gpu(value) else value for key, value in kwargs.items()}
        result = function(*args, **kwargs)
        return _mark(result) if there else result


def _is_there_after(name, args, kwargs):
    """Whether a function's result lives on the GPU. Raises RuntimeError where a GPU would: for two devices."""
    if kwargs.get("device") is not None:
        return _names_gpu(kwargs["device"])
    if name in ("copy_", "__set__ data", "_has_compatible_shallow_copy_type", "__deepcopy__"):
        return is_there(args[0])
    if name in ("tensor", "as_tensor"):  # from a list, the numbers are taken one by one
        return isinstance(args[0], torch.Tensor) and is_there(args[0])
    given = list(_tensors((args, kwargs)))
    there = any(map(is_there, given))
    if name in ("__getitem__", "__setitem__"):
        there = is_there(args[0])
        # an index may lie on the CPU, and one number anywhere
        given = [] if there else [index for index in _tensors(args[1]) if index.ndim]
    changed = args[0] if args and name.endswith("_") else None
    for tensor in given:
        # one number on the CPU may join in, but not be put into one tensor with others, or be changed
        joins = tensor.ndim == 0 and name not in ("cat", "stack") and tensor is not changed
        if is_there(tensor) != there and not joins:
            raise RuntimeError(
                f"Expected all tensors to be on the same device, but found at least two devices, {GPU} and cpu!"
            )
    return there


def _move(tensor, *args, **kwargs):
    """`tensor.to(...)`: a copy, where the device changes."""
    there = is_there(tensor)
    for wanted in (*args, *kwargs.values()):
        if isinstance(wanted, torch.Tensor):
            there = is_there(wanted)
        elif isinstance(wanted, str | torch.device):
            there = _names_gpu(wanted)
    args = ["cpu" if _names_gpu(value) else value for value in args]
    kwargs = {key: "cpu" if _names_gpu(value) else value for key, value in kwargs.items()}
    result = tensor.to(*args, **kwargs)
    if is_there(result) != there:
        result = result.clone()
    return _mark(result) if there else result


def _names_gpu(device):
    return isinstance(device, str | torch.device) and str(device).startswith("cuda")


def _mark(value):
    for tensor in _tensors(value):
        tensor.untyped_storage().there = True
    return value


def _tensors(value):
    """All tensors in lists, tuples and dictionaries."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _tensors(item)
