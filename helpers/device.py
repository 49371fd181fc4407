"""Pick the device that tensors live on, and make a run repeatable."""

import os
import random
import warnings

import numpy as np
import torch

# A sum over many numbers is cut into one piece per thread, so its last digits depend on how many
# there are. Two is what every laptop has; more would not make these small networks faster.
THREADS = 2


def pick_device():
    """The device that the environment variable COURSE_DEVICE names; where it is unset, the best there is.

    COURSE_DEVICE is `cpu`, `cuda` or `mps`. Returns a `torch.device`. Where it is unset, a device that PyTorch sees and
    cannot compute on is passed over, with a warning.
    Raises ValueError for any other name, RuntimeError where the named device is not there or cannot compute.
    """
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    name = os.environ.get("COURSE_DEVICE", "").strip().lower()
    if name not in ("", *available):
        raise ValueError(
            f"COURSE_DEVICE is {name!r}, but it must be one of cpu, cuda, mps. Unset it to get the best device there is."
        )
    if name and not available[name]:
        raise RuntimeError(
            f"COURSE_DEVICE asks for {name!r}, but this PyTorch ({torch.__version__}) sees no such device. "
            "Set COURSE_DEVICE=cpu, or unset it to get the best device there is."
        )
    for device in [name] if name else [device for device, there in available.items() if there]:
        if device == "cpu" or not (trouble := _trouble(device)):
            return torch.device(device)
        if name:
            raise RuntimeError(
                f"COURSE_DEVICE asks for {name!r}, but PyTorch cannot compute there: {trouble}. Set COURSE_DEVICE=cpu."
            )
        warnings.warn(
            f"PyTorch sees {device!r}, but cannot compute there: {trouble}. The course goes on without it; "
            "COURSE_DEVICE=cpu does so without this warning.",
            stacklevel=2,
        )


def _trouble(device):
    """What PyTorch says where a first small product on `device` fails; "" where none does.

    A GPU can be seen and be of no use: too old or too new for the kernels of this PyTorch, or full.
    """
    try:
        ones = torch.ones(2, 2, device=device)
        (ones @ ones).sum().item()  # a GPU tells its errors late: when a number comes back
    except RuntimeError as error:
        return str(error).partition("\n")[0].rstrip(".")
    return ""


def seed_everything(seed):
    """Make what follows repeatable: seed Python, NumPy and torch (all devices), and fix the threads.

    torch gets THREADS threads, or fewer where OMP_NUM_THREADS asks for fewer: two programs with two
    threads each on two cores wait for each other most of the time. The same seed gives the same
    numbers on the same kind of processor; another kind may differ in the last digits.
    """
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(min(THREADS, torch.get_num_threads()))
