"""What is ready, and the turns in which it is run. `loop.py` tells on what."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import Context
from typing import Any


class Turns(asyncio.AbstractEventLoop):
    """The part of an event loop that runs what is ready, in the order in which it became so.

    A turn can be cut short: by what a callback raises, or by a runtime that never calls it or does
    not let it end. What it leaves is run by the next one.
    """

    ready: deque[asyncio.Handle]
    running: bool
    """Whether a turn is under way, or is to come."""

    def begin(self) -> None:
        """Have `turn` called soon."""
        raise NotImplementedError

    def call_soon(
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Let a callback be called in this turn, after all that was ready before it."""
        handle = asyncio.Handle(callback, args, self, context)
        self.ready.append(handle)
        if not self.running:
            self.running = True
            self.begin()
        return handle

    def tell(self, done: Callable[[Any], None], result: Any) -> None:
        """Call what makes others ready, and run them in this turn, where none is being run."""
        if self.running or asyncio.current_task(self):
            done(result)
            return
        self.running = True
        try:
            done(result)
        finally:
            self.turn()

    def turn(self) -> None:
        """Run what is ready, and what becomes so meanwhile."""
        try:
            while self.ready:
                handle = self.ready.popleft()
                if not handle.cancelled():
                    handle._run()
        finally:
            self.running = bool(self.ready)
            if self.running:  # one has raised what no callback may, and the others go on
                self.begin()

    def go_on(self) -> None:
        """Have a turn come where one is to come, but none is under way: it may be lost."""
        if self.running and asyncio.current_task(self) is None:
            self.begin()
