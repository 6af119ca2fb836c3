"""Write down what happened, refusals and failures too, without delaying the caller."""

from collections.abc import Awaitable, Sequence
from functools import partial

from call import Attempt, Call, Handler, Policy, Reply
from errors import GatewayError, Internal
from logs.journal import Journal
from logs.row import entry
from ports import Ending, Ports
from traces.spans import Told
from traces.traces import Traces
from values import value

Coming = tuple[Attempt, Ending | Awaitable[Ending]]
"""An attempt, and how its answer ended or will end."""


def record(journal: Journal, ports: Ports, traces: Traces | None = None) -> Policy:
    """Return the policy that writes one row for each attempt, and one for a refused call.

    What the log keeps is told to `traces` as well.
    """
    scribe = _Scribe(journal, ports, traces)

    async def record(call: Call, proceed: Handler) -> Reply:
        outcome: Reply | GatewayError | None = None
        try:
            reply = outcome = await proceed(call)
        except GatewayError as error:
            outcome = error
            raise
        finally:
            if any(step.logged for step in (call, *call.fallbacks)):
                # What escapes as anything but a GatewayError is a fault of ours, and a row as well.
                scribe.tell(_ended(call, outcome or Internal()))
        return reply

    return record


@value
class _Scribe:
    """Who writes the rows of one call."""

    journal: Journal
    ports: Ports
    traces: Traces | None

    def tell(self, attempts: Sequence[Coming]) -> None:
        """See to it that attempts are written down, once all is known of them."""
        ports, now = self.ports, self.ports.clock()
        endings = [ending for _, ending in attempts if isinstance(ending, Ending)]
        if self.traces or len(endings) < len(attempts) or ports.background.busy:
            # An answer has not ended, or other work may have more to tell of it.
            ports.background.add(self._settle(attempts, now))
            return
        for (attempt, _), ending in zip(attempts, endings, strict=True):
            make = partial(entry, attempt, ending, attempt.ended or now)
            self.journal.note(make, len(attempt.call.ask.text or "") + len(ending.text or ""))
        if self.journal.leads():
            ports.background.add(self.journal.lead(ports.database, ports.queue, ports.tails))

    async def _settle(self, attempts: Sequence[Coming], now: float) -> None:
        """Write attempts down. Those whose endings are known had ended by `now`.

        What else is done after the answer comes first, and may take long: it is not their time.
        """
        told: list[Told] = []
        ports = self.ports
        for attempt, coming in attempts:
            known = isinstance(coming, Ending)
            ending = coming if known else await coming
            finished = attempt.ended or (now if known else ending.ended or ports.clock())
            kept = entry(attempt, ending, finished)
            told.append(Told(attempt, ending, finished, kept))
            if self.traces and len(told) == len(attempts):
                # Before this request may come to write for others, and have no time left.
                self.traces.add(told)
            await self.journal.write(kept, ports.database, ports.queue, ports.tails)
        if self.traces:
            await self.traces.send()


def _ended(call: Call, outcome: Reply | GatewayError) -> list[Coming]:
    """Return the attempts of a call, the one that came to the outcome last, and their endings."""
    attempts = call.trail.attempts or [Attempt(call.id, call, call.started)]
    attempts[-1].outcome = outcome
    return [
        (attempt, _ending(attempt.outcome))
        for attempt in attempts
        if attempt.outcome and attempt.call.logged
    ]


def _ending(outcome: Reply | GatewayError) -> Ending | Awaitable[Ending]:
    body = outcome.envelope() if isinstance(outcome, GatewayError) else outcome.body
    if body is None or isinstance(body, str):
        text = body or ""
        return Ending("complete", text, len(text.encode()))
    return body.ended or body.watch()
