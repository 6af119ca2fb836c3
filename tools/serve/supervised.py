"""Keeps a process running: it is started again when it ends, until it is told to."""

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Protocol

from serve.report import report

FIRST_S = 1.0
LONGEST_S = 30.0
"""A pause before a start: twice as long each time, but never for good."""
LIVED_S = 60.0
"""After this long a process counts as one that runs: the next pause is short again."""


class Running(Protocol):
    """A process that was started."""

    def ready(self) -> None:
        """Wait until it is of use. Exits where it does not get so far."""
        ...

    def wait(self) -> int:
        """Wait until it ends. Returns its status."""
        ...

    def stop(self) -> None:
        """End it."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...


class Supervised(threading.Thread):
    """A process, whichever of those that were started one after the other."""

    def __init__(self, name: str, start: Callable[[], Running], first_s: float = FIRST_S) -> None:
        """`start` starts a process, and returns at once; `first_s` is the first pause."""
        super().__init__(name=name, daemon=True)
        self.ready = threading.Event()
        """Set once a process was of use."""
        self._start_one = start
        self._first_s = first_s
        self._ending = threading.Event()
        self._running: Running | None = None
        self._lock = threading.Lock()

    def run(self) -> None:
        """Start processes until told to end."""
        pause = self._first_s
        while not self._ending.is_set():
            begun = time.monotonic()
            try:
                how = self._run_one()
            except (SystemExit, OSError) as failed:
                how = f"did not start: {failed}"
            if self._ending.is_set():
                return
            pause = self._first_s if time.monotonic() - begun > LIVED_S else pause
            report("error", f"{self.name} {how}: again in {pause:g} s")
            self._ending.wait(pause)
            pause = min(2 * pause, LONGEST_S)

    def _run_one(self) -> str:
        """Run a process to its end, and tell how it ended. Raises what starting it does."""
        running = self._next()
        if running is None:
            return "is not wanted"
        try:
            running.ready()
            self.ready.set()
        except SystemExit:
            running.stop()
            running.wait()
            raise
        return f"ended, with status {running.wait()}"

    def stop(self) -> None:
        """End it. Returns once it has ended."""
        self._ending.set()
        with self._lock:
            running = self._running
        if running:
            running.stop()
        # One that was never started is none to wait for.
        with contextlib.suppress(RuntimeError):
            self.join()

    def kill(self) -> None:
        """End it at once."""
        self._ending.set()
        with self._lock:
            if self._running:
                self._running.kill()

    def _next(self) -> Running | None:
        with self._lock:
            if self._ending.is_set():
                return None
            self._running = self._start_one()
            return self._running
