"""Starts a program that is told to end when the process that started it dies, however it dies.

It is run by its path, for that program, which then takes its place:
`tied.py <process that starts it> <signal> <program> <arguments>`.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


def tied(command: Sequence[str | Path], told: signal.Signals) -> list[str | Path]:
    """Return the command that runs another one, which is told to end when this thread has ended.

    Linux alone can do so: elsewhere a program outlives whoever is killed.
    """
    # Not a function that the child runs before it becomes another program: of a process with
    # several threads, it may find what they had locked.
    itself = (sys.executable, "-I", "-S", __file__, str(os.getpid()), str(int(told)))
    return [*(itself if sys.platform == "linux" else ()), *command]


def main() -> None:
    """Become the program, unless whoever started this is dead already."""
    parent, told, *command = sys.argv[1:]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(told))
    if os.getppid() != int(parent):
        return
    for ignored in _IGNORED_BY_PYTHON:
        signal.signal(ignored, signal.SIG_DFL)
    try:
        os.execv(command[0], command)  # noqa: S606 - what it is for
    except OSError as error:
        sys.exit(f"{command[0]} cannot be run: {error}")


if __name__ == "__main__":
    main()
