"""The headers by which an answer tells which call it belongs to."""

from call import Call, Reply
from limits.rules import spend_header


def identity(call: Call, reply: Reply) -> dict[str, str]:
    """Return the `cf-aig-*` headers of a reply to a call."""
    last = call.trail.attempts[-1] if call.trail.attempts else None
    headers = {
        "cf-aig-request-id": call.id,
        "cf-aig-event-id": call.event_id,
        "cf-aig-cache-status": "HIT" if reply.kept else "MISS",
        "cf-aig-step": str(last.call.step if last else call.step),
    }
    if (last.call if last else call).logged:
        headers["cf-aig-log-id"] = last.id if last else call.id
    if call.trail.budgets:
        headers["cf-aig-spend-remaining"] = spend_header(call.trail.budgets.values())
    return headers
