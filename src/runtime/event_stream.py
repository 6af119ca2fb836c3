"""Somebody who watches the log as a stream of events, which goes through a pipe."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from runtime.listeners import TOO_SLOW


class Pipe(Protocol):
    """What is written at one end is taken at the other one, piece by piece."""

    def write(self, text: str, taken: Callable[[bool], None]) -> int:
        """Write a text, and return its bytes. `taken` is called later: False where it failed."""
        ...

    def when_left(self, left: Callable[[], None]) -> None:
        """Have `left` called when nobody takes from it any longer."""
        ...

    def close(self) -> None:
        """End it when all is taken."""
        ...


class EventStream:
    """A Listener. What it is sent waits until it is taken."""

    def __init__(self, gateway_id: int, wanted: str, pipe: Pipe) -> None:
        self.gateway_id = gateway_id
        self.wanted = wanted
        self.closed = False
        self.waiting = 0
        self._stuck = False
        """Whether nothing has been taken since the last beat, though something waits."""
        self._pipe = pipe
        pipe.when_left(self._left)
        self._write(_event("open", {}))

    def send(self, rows: Sequence[Mapping[str, object]]) -> None:
        """Send rows."""
        self._write("".join([_event("log", row) for row in rows]))

    def let_go(self, reason: str) -> None:
        """Say why it ends, and end it."""
        self._write(_event("end", {"reason": reason}))
        self.closed = True
        self._pipe.close()

    def beat(self) -> None:
        """Send a comment, which fails where nobody reads. Who takes nothing for long is let go."""
        if not self.waiting:
            self._write(":\n\n")
        elif self._stuck:
            self.let_go(TOO_SLOW)
        self._stuck = True

    def _write(self, text: str) -> None:
        if self.closed:
            return

        def taken(well: bool) -> None:
            self.waiting -= size
            self._stuck = False
            if not well:
                self._left()

        size = self._pipe.write(text, taken)
        self.waiting += size

    def _left(self) -> None:
        self.closed = True


def _event(name: str, data: Mapping[str, object]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
