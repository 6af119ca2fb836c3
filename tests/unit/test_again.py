"""Asking an object that is on its way to another machine."""

import asyncio

import pytest

from runtime.again import Lost, ask, persist


class Object:
    """Loses so many of its first answers, or fails in another way."""

    def __init__(self, losing: int, failure: type[Exception] = Lost) -> None:
        self.losing = losing
        self.failure = failure
        self.asked = 0

    async def answer(self) -> str:
        self.asked += 1
        if self.asked <= self.losing:
            raise self.failure
        return "here"


@pytest.mark.parametrize("losing", [0, 1])
async def test_an_answer_that_was_lost_is_asked_for_once_more(losing: int) -> None:
    asked = Object(losing)

    assert await ask(asked.answer, 10) == "here"
    assert asked.asked == losing + 1


async def test_but_not_for_ever() -> None:
    asked = Object(100)

    with pytest.raises(Lost):
        await ask(asked.answer, 10)

    assert asked.asked == 2


async def test_what_failed_is_not_asked_again() -> None:
    asked = Object(100, ZeroDivisionError)

    with pytest.raises(ZeroDivisionError):
        await ask(asked.answer, 10)

    assert asked.asked == 1


async def test_both_tries_together_take_no_longer_than_the_patience() -> None:
    tries: list[None] = []

    async def lose_and_hang() -> None:
        tries.append(None)
        if len(tries) == 1:
            raise Lost
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await ask(lose_and_hang, 0.1)

    assert len(tries) == 2


@pytest.mark.parametrize("failing", [0, 1])
async def test_who_persists_asks_after_each_pause_until_there_is_an_answer(failing: int) -> None:
    asked = Object(failing)

    assert await persist(asked.answer, Lost, (0, 0)) == "here"
    assert asked.asked == failing + 1


async def test_and_is_told_what_failed_last() -> None:
    asked = Object(100)

    with pytest.raises(Lost):
        await persist(asked.answer, Lost, (0, 0, 0))

    assert asked.asked == 3


async def test_who_persists_does_not_ask_again_after_another_failure() -> None:
    asked = Object(100, ZeroDivisionError)

    with pytest.raises(ZeroDivisionError):
        await persist(asked.answer, Lost, (0, 0))

    assert asked.asked == 1
