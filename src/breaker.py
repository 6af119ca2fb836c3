"""Remembers which targets keep failing, so that a caller who has another does not wait for them."""

from dataclasses import dataclass

from call import Call, Reply
from errors import GatewayError, Unreachable, UpstreamTimeout
from ports import Clock

FAILURES = 5
"""Failures in a row after which a target is passed over."""
PAUSE_MS = 10_000
"""For how long it is. Then one request may try it."""
MEMORY = 10_000
"""Targets that an isolate remembers."""
NAME_LENGTH = 256
"""Characters by which they are told apart: callers choose them, and could fill all memory."""

_Target = tuple[int, str, str]


@dataclass(slots=True)
class _Record:
    failures: int = 0
    until: float = 0.0


class Breaker:
    """What one isolate knows of targets: a gateway's model at a provider."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._records: dict[_Target, _Record] = {}

    def admits(self, call: Call) -> bool:
        """Return whether the target of a call may be tried.

        Whoever is the first to ask after a pause is let through, and the pause begins anew for the
        others until it is known how that went.
        """
        record = self._records.get(_target(call))
        if record is None or record.failures < FAILURES:
            return True
        now = self._clock()
        if now < record.until:
            return False
        record.until = now + PAUSE_MS
        return True

    def learn(self, call: Call, outcome: Reply | GatewayError) -> None:
        """Learn what came of a try. An answer that had been kept tells nothing of its target."""
        if isinstance(outcome, Reply) and outcome.kept:
            return
        fault = _is_fault(outcome)
        if isinstance(outcome, GatewayError) and not fault:
            # Nobody asked it, or nobody waited: a limit, a key that is missing, a caller who left.
            return
        if not fault:
            self._records.pop(_target(call), None)
            return
        if len(self._records) >= MEMORY:
            self._records.clear()
        record = self._records.setdefault(_target(call), _Record())
        record.failures += 1
        record.until = self._clock() + PAUSE_MS


def _target(call: Call) -> _Target:
    target = call.target
    name = call.ask.model or target.path
    return (call.gateway.internal_id, target.provider[:NAME_LENGTH], name[:NAME_LENGTH])


def _is_fault(outcome: Reply | GatewayError) -> bool:
    """Return whether a failure is the target's own, and not the request's."""
    if isinstance(outcome, GatewayError):
        return isinstance(outcome, Unreachable | UpstreamTimeout)
    return bool(outcome.failed and outcome.failed.retryable)
