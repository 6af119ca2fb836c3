"""Write down what happened, refusals and failures too, without delaying the caller."""

from collections.abc import Awaitable

from call import Call, Handler, Policy, Reply
from errors import GatewayError, Internal
from journal import Journal
from logs import entry
from ports import Background, Clock, Database, Ending


def record(journal: Journal, database: Database, clock: Clock, background: Background) -> Policy:
    """Return the policy that writes one row for each attempt, and one for a refused call."""

    async def record(call: Call, proceed: Handler) -> Reply:
        outcome: Reply | GatewayError | None = None
        try:
            reply = outcome = await proceed(call)
        except GatewayError as error:
            outcome = error
            raise
        finally:
            if call.logged:
                # What escapes as anything but a GatewayError is a fault of ours, and a row as well.
                outcome = outcome or Internal()
                background.add(settle(call, outcome, _ending(outcome)))
        return reply

    async def settle(
        call: Call, outcome: Reply | GatewayError, ending: Ending | Awaitable[Ending]
    ) -> None:
        if not isinstance(ending, Ending):
            ending = await ending
        await journal.write(entry(call, outcome, ending, clock()), database)

    return record


def _ending(outcome: Reply | GatewayError) -> Ending | Awaitable[Ending]:
    body = outcome.envelope() if isinstance(outcome, GatewayError) else outcome.body
    if body is None or isinstance(body, str):
        text = body or ""
        return Ending("complete", text, len(text.encode()))
    return body.watch()
