"""An instance of two ends, politely or not: what was counted and logged is there at the other."""

import re
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import httpx

from cluster.instances import YEAR, Instance, Wire, answers, ask
from running import Gateway, until

LIMIT = 900
"""Less than that of which units are given ahead."""
CALLERS = 6
RULE = {"id": "r", "limit": LIMIT, "limitType": "requests", "window": YEAR}
CLOSED = {"rate_limiting_rules": [RULE], "rate_limiting_failure_mode": "closed"}


class Traffic:
    """Callers who ask one after the other, at all gateways in turn, until the block ends."""

    def __init__(self, gateways: Sequence[Gateway]) -> None:
        self.answers: list[httpx.Response] = []
        self.unanswered = 0
        self._gateways = gateways
        self._ended = threading.Event()

    @contextmanager
    def running(self) -> Generator["Traffic", None, None]:
        callers = [threading.Thread(target=self._run, args=(n,)) for n in range(CALLERS)]
        for caller in callers:
            caller.start()
        try:
            yield self
        finally:
            self.end()
            for caller in callers:
                caller.join()

    def end(self) -> None:
        """Let nobody ask once more. Who waits for an answer goes on waiting."""
        self._ended.set()

    def _run(self, number: int) -> None:
        for turn in range(LIMIT // CALLERS - 1):
            if self._ended.is_set():
                return
            try:
                gateway = self._gateways[(number + turn) % len(self._gateways)]
                self.answers.append(ask(gateway))
            except httpx.TransportError:
                self.unanswered += 1

    @property
    def passed(self) -> list[httpx.Response]:
        return [answer for answer in self.answers if answer.status_code == 200]

    @property
    def lost(self) -> int:
        """Requests of which nobody knows whether they counted."""
        return len(self.answers) - len(self.passed) + self.unanswered


def remaining(answer: httpx.Response) -> int:
    """Return what the limit had left after an answer."""
    found = re.search(r'"r";r=(\d+)', answer.headers["ratelimit"])
    assert found
    return int(found[1])


def logged(gateway: Gateway, at_least: int) -> dict[str, dict[str, object]]:
    """Wait until the log has so many rows, and return them by their ids."""

    def look() -> dict[str, dict[str, object]] | None:
        rows = read(gateway)
        return rows if rows and len(rows) >= at_least else None

    return until(look, f"{at_least} rows", patience=60)


def logged_with(gateway: Gateway, wanted: set[str]) -> set[str]:
    """Wait until the log has these rows, and return the ids of all."""

    def look() -> set[str] | None:
        rows = set(read(gateway) or {})
        return rows if wanted <= rows else None

    return until(look, f"{len(wanted)} rows", patience=60)


def read(gateway: Gateway) -> dict[str, dict[str, object]] | None:
    """Return the rows of the log by their ids, where it can be read."""
    rows: dict[str, dict[str, object]] = {}
    for page in range(1, LIMIT // 50 + 2):
        try:
            answer = gateway.ask(f"/logs?per_page=50&page={page}")
        except httpx.TimeoutException:
            return None
        if not answer.is_success:
            return None
        found = answer.json()["result"]
        rows |= {row["id"]: row for row in found}
        if len(found) < 50:
            break
    return rows


def ids(passed: Sequence[httpx.Response]) -> set[str]:
    return set(ids_in_turn(passed))


def ids_in_turn(passed: Sequence[httpx.Response]) -> list[str]:
    return [answer.headers["cf-aig-log-id"] for answer in passed]


def test_one_that_is_ended_loses_nothing(mortals: tuple[Instance, Instance]) -> None:
    a, b = mortals
    with b.gateway.another("steady", rate_limiting_rules=[RULE]):
        both = [replace(each.gateway, name="steady") for each in mortals]
        ask(both[0])
        with Traffic(both).running() as traffic:
            until(lambda: len(traffic.passed) > 50 or None, "requests before")
            assert a.end() == 0
            count = len(traffic.passed)
            until(lambda: len(traffic.passed) > count + 10 or None, "requests after", patience=60)
        last = ask(both[1])

        rows = logged(both[1], len(traffic.passed) + 1)
        assert {answer.status_code for answer in traffic.answers} == {200}
        assert ids(traffic.passed) <= set(rows)
        assert {row["flags"] for row in rows.values() if row["flags"]} == set()
        assert remaining(last) == LIMIT - len(traffic.passed) - 2


def test_one_that_crashes_takes_nothing_along_that_was_acknowledged(
    mortals: tuple[Instance, Instance],
) -> None:
    a, b = mortals
    with b.gateway.another("steady", **CLOSED):
        both = [replace(each.gateway, name="steady") for each in mortals]
        # Whoever is asked first has the counter.
        ask(both[0])
        with Traffic(both).running() as traffic:
            until(lambda: len(traffic.passed) > 100 or None, "requests before")
        rows = logged_with(both[1], ids(traffic.passed))
        with Traffic(both).running() as more:
            until(lambda: len(more.passed) > 20 or None, "requests meanwhile")
            rows |= set(logged(both[1], len(rows) + 20))
            more.end()
            a.kill()
        # Not asked before it can be: each refusal leaves open whether it counted.
        until(lambda: read(both[1]), "the other one", patience=90)
        last, refused = passing(both[1])

        # All that was to be read is there, and all that the other one answered.
        now = logged_with(both[1], rows | ids(by(both[1], more.passed)))
        # The one that crashed took along no more than the last of its rows. Callers who ask at the
        # same time do not know exactly in which order they were answered.
        found = [log_id in now for log_id in ids_in_turn(by(both[0], more.passed))]
        assert all(found[: max(0, last_of(found) - CALLERS)])
        assert traffic.lost == 0
        assert more.lost <= CALLERS
        # What was answered counted once, and what was not once at the most: of a limit like this
        # nothing is taken ahead.
        passed = len(traffic.passed) + len(more.passed) + 2
        assert passed <= LIMIT - remaining(last) <= passed + more.lost + refused


def by(gateway: Gateway, answers: Sequence[httpx.Response]) -> list[httpx.Response]:
    """Return the answers of one instance."""
    return [answer for answer in answers if str(answer.url).startswith(gateway.url)]


def last_of(found: Sequence[bool]) -> int:
    """Return where the last is that was found."""
    return max((index for index, one in enumerate(found) if one), default=0)


def passing(gateway: Gateway) -> tuple[httpx.Response, int]:
    """Ask until there is an answer. Returns it, and how many were refused before."""
    refused = 0

    def look() -> httpx.Response | None:
        nonlocal refused
        answer = ask(gateway)
        if answer.status_code == 200:
            return answer
        refused += 1
        return None

    return until(look, "a request", patience=90), refused


def test_instances_without_their_bucket_end_and_come_back_with_it(
    mortals: tuple[Instance, Instance], wire: Wire
) -> None:
    a, b = mortals
    with a.gateway.another("steady", **CLOSED):
        both = [replace(each.gateway, name="steady") for each in mortals]
        with Traffic(both).running() as traffic:
            until(lambda: len(traffic.passed) > 50 or None, "requests before")
        rows = logged(both[1], len(traffic.passed))
        before = [*a.nodes(), *b.nodes()]

        wire.cut()
        try:
            until(lambda: not {*a.nodes(), *b.nodes()} & {*before} or None, "the end", patience=60)
        finally:
            wire.mend()
        for each in mortals:
            answers(each)
        last, refused = passing(both[0])

        assert ids(traffic.passed) <= set(rows)
        assert set(rows) <= set(logged(both[1], len(rows) + 1))
        passed = len(traffic.passed) + 1
        assert passed <= LIMIT - remaining(last) <= passed + traffic.lost + refused
