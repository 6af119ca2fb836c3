"""Write down what happened, refusals and failures too, without delaying the caller."""

from collections.abc import Awaitable, Sequence

from call import Attempt, Call, Handler, Policy, Reply
from errors import GatewayError, Internal
from journal import Journal
from logs import entry
from ports import Ending, Ports
from spans import Told
from traces import Traces


def record(journal: Journal, ports: Ports, traces: Traces | None = None) -> Policy:
    """Return the policy that writes one row for each attempt, and one for a refused call.

    What the log keeps is told to `traces` as well.
    """

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
                attempts = _ended(call, outcome or Internal())
                ports.background.add(settle(attempts))
        return reply

    async def settle(attempts: Sequence[tuple[Attempt, Ending | Awaitable[Ending]]]) -> None:
        told: list[Told] = []
        for attempt, coming in attempts:
            ending = coming if isinstance(coming, Ending) else await coming
            finished = attempt.ended or ports.clock()
            kept = entry(attempt, ending, finished)
            told.append(Told(attempt, ending, finished, kept))
            if traces and len(told) == len(attempts):
                # Before this request may come to write for others, and have no time left.
                traces.add(told)
            await journal.write(kept, ports.database, ports.queue)
        if traces:
            await traces.send()

    return record


def _ended(
    call: Call, outcome: Reply | GatewayError
) -> list[tuple[Attempt, Ending | Awaitable[Ending]]]:
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
    return body.watch()
