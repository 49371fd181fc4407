"""Processes beside the one that runs the tests: a fork starts with all that this one has imported."""

import multiprocessing
import sys

import pytest

FORK = multiprocessing.get_context("fork") if sys.platform != "win32" else None
needs_fork = pytest.mark.skipif(FORK is None, reason="needs fork")


def in_a_copy(work):
    """What `work()` returns in a copy of this process, which leaves this one as it is."""
    receive, send = FORK.Pipe(duplex=False)

    def report():
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
