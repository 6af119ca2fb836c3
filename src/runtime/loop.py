"""The event loop, in fewer turns.

Pyodide's own loop waits for each callback with a timer, and calls it in a way that could suspend
the stack: 20 to 40 us, and twice that for each promise, whose end it also counts. Here what is
ready waits in one queue, which a microtask runs to its end; a task begins at once, and one that
waits for a promise goes on in the turn in which JavaScript tells what has come of it.

What is ready belongs to the request whose event made it so. Microtasks are run before the event of
another request is handled, so that nothing is done in the name of the wrong one.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import Context
from typing import Any

from js import clearTimeout, queueMicrotask, setTimeout
from pyodide.ffi import create_once_callable, create_proxy
from pyodide.webloop import PyodideFuture, WebLoop

from runtime.turns import Turns

LONGEST_MS = 2**31 - 1
"""What a timer of JavaScript can hold."""


class Timer(asyncio.TimerHandle):
    """A callback that waits for its time. One that is cancelled leaves no timer behind."""

    __slots__ = ("_id", "_proxy")

    def __init__(
        self, loop: "Loop", delay: float, callback: Callable[..., Any], args: Any, context: Any
    ) -> None:
        super().__init__(loop.time() + delay, callback, args, loop, context)
        self._proxy = create_once_callable(self._ring)
        self._id: Any = setTimeout(self._proxy, min(delay * 1000, LONGEST_MS))

    def _ring(self) -> None:
        self._id = None
        asyncio._set_running_loop(self._loop)
        self._run()

    def cancel(self) -> None:
        """Forget the callback."""
        super().cancel()
        if self._id is not None:
            clearTimeout(self._id)
            self._proxy.destroy()
            self._id = None


class Promised(PyodideFuture):
    """What somebody waits for, who goes on at once when JavaScript tells what has come."""

    def set_result(self, result: Any) -> None:
        """Note what has come."""
        loop: Any = self.get_loop()
        loop.tell(super().set_result, result)


class Loop(Turns, WebLoop):
    """A WebLoop that runs what is ready in a microtask."""

    run: Any
    """What JavaScript calls. Made late: a snapshot holds no object of JavaScript's."""

    def begin(self) -> None:
        """Have a turn in a microtask."""
        self.run = self.run or create_proxy(self.turn)
        queueMicrotask(self.run)

    def turn(self) -> None:
        """Run what is ready."""
        # Each stack that JavaScript calls Python on has a running loop of its own.
        asyncio._set_running_loop(self)
        super().turn()

    def call_later(
        self,
        delay: float,
        callback: Callable[..., Any],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Let a callback be called when so many seconds have passed."""
        return Timer(self, delay, callback, args, context)

    def create_future(self) -> asyncio.Future[Any]:
        """Return a future whose end nobody counts."""
        return Promised(loop=self)

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        """Begin a task at once, until it first waits."""
        asyncio._set_running_loop(self)
        self.go_on()
        task: Any = asyncio.Task  # since Python 3.12 it can begin at once
        return task(coro, loop=self, eager_start=True, **options)


def install() -> None:
    """Make the loop that is there one of these: it is known to all of Pyodide, and stays so."""
    loop: Any = asyncio.get_event_loop()
    loop.__class__ = Loop
    loop.ready, loop.running, loop.run = deque(), False, None
