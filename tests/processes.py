"""Processes beside the one that runs the tests: a fork starts with all that this one has imported."""

import concurrent.futures.thread
import datetime
import gc
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time

import pytest
import torch
from torch import distributed

FORK = multiprocessing.get_context("fork") if sys.platform != "win32" else None
needs_fork = pytest.mark.skipif(FORK is None, reason="needs fork")


def in_a_copy(work):
    """What `work()` returns in a copy of this process, which leaves this one as it is."""
    receive, send = FORK.Pipe(duplex=False)

    def report():
        gc.freeze()  # what is there already need not be looked through for garbage: that would copy it, too
        try:
            send.send((work(), None))
        except Exception as error:
            send.send((None, error))

    process = FORK.Process(target=report)
    process.start()
    send.close()  # so that a copy that dies is no reason to wait
    result, error = receive.recv()
    process.join()
    if error:
        raise error
    return result


def in_ranks(work, world=2, seconds=60):
    """What `work(rank)` returns or raises in each of `world` copies of this process, which form a group: a list by rank.

    An error is returned, not raised; a copy that was killed returns None. No copy is left, and none may take longer.
    """
    torch.optim.SGD([torch.zeros(1)])  # imports for a second or two: here, and not in each copy
    with tempfile.TemporaryDirectory() as folder:

        def report(rank, send):
            # With a limit, for the case that this process is killed and cannot kill its copies
            limit = datetime.timedelta(seconds=seconds)
            distributed.init_process_group("gloo", f"file://{folder}/store", limit, world, rank)
            distributed.barrier()  # or the first is through before another has met it
            try:
                send.send(work(rank))
            except Exception as error:
                send.send(error)

        pipes = [FORK.Pipe(duplex=False) for _ in range(world)]
        copies = [FORK.Process(target=report, args=(rank, send)) for rank, (_, send) in enumerate(pipes)]
        deadline = time.monotonic() + seconds
        outcomes = []
        try:
            for copy in copies:
                copy.start()
            for _, send in pipes:
                send.close()
            for receive, _ in pipes:
                assert receive.poll(max(0, deadline - time.monotonic())), f"no answer after {seconds} seconds"
                try:
                    outcomes.append(receive.recv())
                except EOFError:
                    outcomes.append(None)
        finally:
            for copy in copies:
                copy.kill()
                copy.join()
        return outcomes


def runs(pid):
    """Whether there is a process of that number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class TorchrunOfCopies:
    """What `subprocess.Popen` starts with `python -m torch.distributed.run ...`: that torchrun and that program.

    But torchrun and its processes are copies of this one. They have imported PyTorch already, which takes most of the time
    of a small program.
    """

    def __init__(self, command, *, cwd, env, stdout, stderr, text):
        assert command[:3] == [sys.executable, "-m", "torch.distributed.run"] and text
        assert stdout == stderr == subprocess.PIPE
        self.command, self.returncode = command, None
        self.written = [tempfile.TemporaryFile("w+") for _ in (stdout, stderr)]  # noqa: SIM115
        self.process = FORK.Process(target=self.run, args=(command[3:], cwd, env))
        self.process.start()

    def run(self, arguments, cwd, env):
        from torch.distributed import run
        from torch.distributed.elastic.rendezvous import dynamic_rendezvous

        # For its log, torchrun looks through the stack many times, and the stack of pytest is a high one.
        dynamic_rendezvous.get_method_name = lambda depth=0: ""
        # Where a pool of threads starts several of them, a copy must not wait for the pool at its end: it is in it.
        concurrent.futures.thread._threads_queues.clear()
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(env)
        for place, (name, file) in enumerate(zip(("stdout", "stderr"), self.written, strict=True), start=1):
            os.dup2(file.fileno(), place)
            setattr(sys, name, open(place, "w", buffering=1, closefd=False))  # noqa: SIM115
        run.main(["--run-path", "--start-method=fork", *arguments])

    def communicate(self, timeout=None):
        self.process.join(timeout)
        if self.process.exitcode is None:
            raise subprocess.TimeoutExpired(self.command, timeout)
        self.returncode = self.process.exitcode
        said = []
        for file in self.written:
            file.seek(0)
            said.append(file.read())
            file.close()
        return said

    def terminate(self):
        self.process.terminate()
