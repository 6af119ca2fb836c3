"""Turns of the event loop: what is ready is run, whatever cuts a turn short."""

import asyncio
from collections import deque
from typing import Any

import pytest

from runtime.turns import Turns


class Loop(Turns):
    """A loop whose turns come when the test says so."""

    def __init__(self) -> None:
        self.ready, self.running = deque[asyncio.Handle](), False
        self.asked = 0
        """How often a turn was asked for that has not come."""
        self.faults: list[object] = []

    def begin(self) -> None:
        self.asked += 1

    def come(self) -> None:
        """Let the turn come that was asked for."""
        assert self.asked == 1
        self.asked = 0
        asyncio._set_running_loop(self)
        try:
            self.turn()
        finally:
            asyncio._set_running_loop(None)

    def get_debug(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.faults.append(context["exception"])


@pytest.fixture
def loop() -> Loop:
    return Loop()


def fail(error: BaseException) -> None:
    raise error


def test_all_that_is_ready_is_run_in_one_turn_in_its_order(loop: Loop) -> None:
    told: list[int] = []
    loop.call_soon(lambda: loop.call_soon(told.append, 3))
    loop.call_soon(told.append, 1)
    loop.call_soon(told.append, 0).cancel()
    loop.call_soon(told.append, 2)

    loop.come()

    assert told == [1, 2, 3]
    assert not loop.asked


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_a_turn_leaves_that_is_cut_short_is_run_by_the_next_one(
    loop: Loop, error: type[BaseException]
) -> None:
    told: list[int] = []
    loop.call_soon(told.append, 1)
    loop.call_soon(fail, error())
    loop.call_soon(lambda: loop.call_soon(told.append, 3))
    loop.call_soon(told.append, 2)

    with pytest.raises(error):
        loop.come()
    assert told == [1]
    loop.come()

    assert told == [1, 2, 3]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_a_turn_whose_last_one_cuts_it_short_is_followed_when_something_is_ready(
    loop: Loop, error: type[BaseException]
) -> None:
    told: list[int] = []
    loop.call_soon(fail, error())

    with pytest.raises(error):
        loop.come()
    assert not loop.asked
    loop.call_soon(told.append, 1)
    loop.come()

    assert told == [1]


@pytest.mark.parametrize("error", [ValueError("x"), asyncio.CancelledError()])
def test_an_error_is_told_and_cuts_nothing_short(loop: Loop, error: BaseException) -> None:
    told: list[int] = []
    loop.call_soon(fail, error)
    loop.call_soon(told.append, 1)

    loop.come()

    assert (told, loop.faults) == ([1], [error])


def test_what_was_left_to_a_turn_that_is_lost_is_run_when_a_task_begins(loop: Loop) -> None:
    told: list[int] = []
    loop.call_soon(told.append, 1)
    loop.asked = 0  # the runtime has forgotten it

    loop.call_soon(told.append, 2)
    loop.go_on()
    loop.come()

    assert told == [1, 2]


def test_a_turn_that_is_only_late_does_nothing_twice(loop: Loop) -> None:
    told: list[int] = []
    loop.call_soon(told.append, 1)
    loop.go_on()
    assert loop.asked == 2

    loop.turn()
    loop.turn()

    assert told == [1]


def test_where_nothing_is_ready_no_turn_is_asked_for(loop: Loop) -> None:
    loop.go_on()

    assert not loop.asked


def test_a_task_that_begins_another_one_asks_for_no_turn(loop: Loop) -> None:
    asked: list[int] = []

    async def begins_another_one() -> None:
        loop.call_soon(lambda: None)
        loop.go_on()
        asked.append(loop.asked)

    task = asyncio.Task(begins_another_one(), loop=loop)
    loop.come()

    assert (task.done(), asked) == (True, [0])
