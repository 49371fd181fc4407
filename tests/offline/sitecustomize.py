"""Refuses every connection that leaves this machine, and every question for the address of another one.

Python runs a module of this name when it starts. With this folder on PYTHONPATH, the rule holds in a notebook's kernel
and in any other Python that a test starts. (What Debian does in its own sitecustomize, reporting crashes, is not missed.)
"""

import errno
import ipaddress
import sys

CONNECTIONS = {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getnameinfo"}
QUESTIONS = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}


def refuse(event, arguments):
    if event in QUESTIONS:
        host = arguments[0]
    elif event in CONNECTIONS and isinstance(arguments[-1], tuple):
        host = arguments[-1][0]
    else:  # something else, or a socket in a file
        return
    if not is_here(host):
        raise OSError(errno.ENETUNREACH, f"the tests run without a network: {event} {host!r}")


def is_here(host):
    host = host.decode() if isinstance(host, bytes) else host
    if not host or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return False


sys.addaudithook(refuse)
