"""Who listens to the log of one gateway, and the lease by which writers of the log know of it.

As long as somebody listens an alarm renews the lease. When the last one has left it is given back,
and where even that fails it ends by itself.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from api.log_shown import shown
from logs.row import COLUMNS
from logs.tail import RELEASE, RENEW, Filter
from ports import Clock, Database, DatabaseError

LISTENERS = 20
"""How many may listen to one gateway."""
PENDING = 500_000
"""Bytes that may wait for one who reads slowly."""
ROUND_MS = 30_000
"""How often the lease is renewed."""
TOO_SLOW = "too_slow"
_JUDGED = {"feedback": None, "score": None}
"""Nobody can have judged a row that is being written."""


class Listener(Protocol):
    """Somebody who listens. Its methods raise nothing."""

    @property
    def gateway_id(self) -> int:
        """The gateway."""
        ...

    @property
    def wanted(self) -> str:
        """The filter, dumped."""
        ...

    @property
    def closed(self) -> bool:
        """Whether it has left."""
        ...

    @property
    def waiting(self) -> int:
        """Bytes that have been sent and not been taken."""
        ...

    def send(self, rows: Sequence[Mapping[str, object]]) -> None:
        """Send rows as the API shows them."""
        ...

    def beat(self) -> None:
        """Find out whether it is still there, once a round."""
        ...

    def let_go(self, reason: str) -> None:
        """Say why it ends, and end it."""
        ...


class Listeners:
    """Those of one gateway."""

    def __init__(self, storage: Any, database: Database, clock: Clock) -> None:
        """`storage` is that of a Durable Object, for its alarm."""
        self._storage = storage
        self._database = database
        self._clock = clock
        self._gateway_id: int | None = None
        self._came = 0
        """How many have been let in or are being let in, who may not be among the others yet."""
        self._admitted = 0

    async def admit(self, gateway_id: int) -> None:
        """Let writers of the log know that somebody listens. Raises DatabaseError: they do not."""
        self._gateway_id = gateway_id
        self._came += 1
        try:
            await self._database.all(RENEW, gateway_id)
            await self._set_alarm()
        finally:
            self._admitted += 1

    async def show(self, rows: str, here: Sequence[Listener]) -> None:
        """Show rows, a JSON array of the values of a row's columns, to those who want them."""
        read = [dict(zip(COLUMNS, row, strict=True)) | _JUDGED for row in json.loads(rows)]
        for listener in here:
            wanted = Filter.load(listener.wanted)
            found = [shown(row) for row in read if wanted.accepts(row)]
            if found and listener.waiting > PENDING:
                listener.let_go(TOO_SLOW)
            elif found:
                listener.send(found)
        self._gateway_id = read[0]["gateway_id"]
        await self.leave(here)

    async def renew(self, here: Sequence[Listener]) -> None:
        """Renew the lease for those who are there, and find out who has left without a word."""
        for one in here:
            one.beat()
        present = [one for one in here if not one.closed]
        if present:
            try:
                await self.admit(present[0].gateway_id)
            except DatabaseError:
                # While it is down there are no rows to show either. The next round tries again.
                await self._set_alarm()
        else:
            await self.leave(here)

    async def leave(self, here: Sequence[Listener], gateway_id: int | None = None) -> None:
        """Give the lease back where nobody listens any longer."""
        number = self._gateway_id if gateway_id is None else gateway_id
        came = self._came
        if number is None or came > self._admitted or not all(one.closed for one in here):
            return
        await self._run(RELEASE, number)
        if came == self._came:
            await self._storage.deleteAlarm()
        else:
            # Somebody came meanwhile, whose lease this may have been.
            await self._run(RENEW, number)

    async def _set_alarm(self) -> None:
        await self._storage.setAlarm(round(self._clock()) + ROUND_MS)

    async def _run(self, sql: str, gateway_id: int) -> None:
        try:
            await self._database.all(sql, gateway_id)
        except DatabaseError:
            # The lease ends by itself.
            return
