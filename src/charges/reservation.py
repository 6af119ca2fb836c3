"""What a call takes from a limit on tokens before it is made, and what it used in the end."""

from collections.abc import Awaitable, Sequence

from call import Call, Reply, Report
from dialects.bounds import bounds
from errors import GatewayError
from ports import Ending

CHARACTERS = 4
"""Of a body, for one token."""
OUTPUT = 1_000
"""Tokens of an answer, where the request does not bound it."""
NO_OUTPUT = ("text-embeddings", "text-classification")
"""Tasks whose answers have no tokens."""

Outcome = tuple[Reply | GatewayError, Awaitable[Ending] | None]
"""What came of an attempt, and how the body of its answer will end."""


def asks(call: Call) -> bool:
    """Return whether a call may ask a model for anything.

    One that reads, deletes, cancels or counts tokens does not.
    """
    return call.billed and not _cancels(call)


def _cancels(call: Call) -> bool:
    """Return whether a call ends what goes on: by its path alone, for it has nothing to say.

    https://developers.openai.com/api/reference/resources/responses/methods/cancel
    """
    if call.kind == "websocket" or not call.target.path.endswith("/cancel"):
        return False
    text = call.ask.text
    return not call.request.body if text is None else text.strip() in ("", "{}")


def estimate(call: Call) -> int:
    """Return how many tokens a call will use, about. 0 for one that asks no model."""
    if not asks(call):
        return 0
    text = call.ask.text or ""
    output = 0 if call.ask.model_type in NO_OUTPUT else bounds(text).length
    return max(1, -(-len(text) // CHARACTERS) + (OUTPUT if output is None else output))


def watched(outcomes: Sequence[Reply | GatewayError]) -> list[Outcome]:
    """Ask how the answers of a call will end, before they leave."""
    return [(outcome, _ending(outcome)) for outcome in outcomes]


def _ending(outcome: Reply | GatewayError) -> Awaitable[Ending] | None:
    if isinstance(outcome, GatewayError) or outcome.body is None or isinstance(outcome.body, str):
        return None
    return outcome.body.watch()


async def used(outcomes: Sequence[Outcome]) -> tuple[int, bool]:
    """Return the tokens that the attempts of a call tell of once they have ended, and if of all.

    An error that tells of none used none. An answer that does not tell, or broke off, used more
    than it told.
    """
    counts = [await _counted(outcome, coming) for outcome, coming in outcomes]
    return sum(tokens for tokens, _ in counts), all(whole for _, whole in counts)


async def _counted(
    outcome: Reply | GatewayError, coming: Awaitable[Ending] | None
) -> tuple[int, bool]:
    """Return the tokens that one attempt tells of, and whether that is all."""
    if isinstance(outcome, GatewayError):
        return 0, True
    ending = await coming if coming else Ending("complete")
    report = outcome.report(ending) if outcome.report else Report()
    usage = report.usage
    told = [count for count in (usage.tokens_in, usage.tokens_out) if count is not None]
    failed = outcome.status >= 400 or outcome.failed is not None
    whole = bool(told) and report.complete and ending.state == "complete"
    return sum(told), failed or whole
