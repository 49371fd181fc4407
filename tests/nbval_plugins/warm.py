"""A plugin of pytest: each kernel that nbval starts is a copy of one process, which has imported PyTorch and others already.

To import them takes three seconds of each notebook, and most need no more than that for all the rest.
No name is in the notebook for it: a cell that forgets its import fails as ever. Only on Linux is it safe to copy a process
that has imported so much; elsewhere kernels start as they do for a reader, and so they do in `make run`, which stores
the outputs.
"""

import gc
import json
import os
import signal
import subprocess
import sys

import ipykernel.kernelapp
from jupyter_client.provisioning import local_provisioner


def pytest_configure():
    if sys.platform == "linux":
        local_provisioner.launch_kernel = Kernel


class Kernel:
    """What jupyter_client asks of a `subprocess.Popen`."""

    original = None  # the process that is copied; it ends when this one has ended, and then the copies do
    stdin = stdout = stderr = None

    def __init__(self, command, *, cwd, env, **_):
        if Kernel.original is None:
            Kernel.original = subprocess.Popen(
                [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0
            )
        options = command[command.index("ipykernel_launcher") + 1 :]
        wanted = json.dumps([options, os.path.abspath(cwd), dict(env)])
        Kernel.original.stdin.write(f"{wanted}\n".encode())
        Kernel.original.stdin.flush()
        self.pid = int(Kernel.original.stdout.readline())

    def poll(self):
        """None while it runs. How it ended is not known here; 0 stands for that."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return 0

    def wait(self):
        return 0  # asked when it has ended

    def send_signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def terminate(self):
        self.send_signal(signal.SIGTERM)


def copy_for_each_line():
    """Each line that comes in asks for a kernel, and gets its process number. Returns in the copy, with what was asked."""
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # as a kernel does
    import matplotlib.pyplot  # noqa: F401
    import sklearn.datasets  # noqa: F401
    import torch

    torch.optim.SGD([torch.zeros(1)])  # the first optimizer imports the most
    gc.freeze()  # what is there already need not be looked through for garbage: that would copy it, too
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how a kernel ended
    for line in sys.stdin:
        answer, says = os.pipe()
        if os.fork() == 0:
            os.setpgrp()  # before its number is known: an interrupt is sent to its group
            os.write(says, f"{os.getpid()}\n".encode())
            return json.loads(line)
        print(os.read(answer, 100).decode(), end="", flush=True)
        os.close(answer)
        os.close(says)
    sys.exit()


if __name__ == "__main__":
    del sys.path[0]  # the folder of this file
    options, folder, env = copy_for_each_line()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with open(os.devnull, "r+b") as nothing:
        for stream in (0, 1, 2):
            os.dup2(nothing.fileno(), stream)
    os.chdir(folder)
    os.environ.update(env)
    # A kernel ends when its parent has ended. (The variable for that, JPY_PARENT_PID, was read by the import.)
    sys.argv[1:] = [*options, f"--IPKernelApp.parent_handle={os.getppid()}"]
    ipykernel.kernelapp.launch_new_instance()
