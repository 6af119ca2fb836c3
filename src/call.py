"""The values that travel: Request, Call, Attempt, Reply; and what a pipeline is made of."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from errors import GatewayError
from options import Options
from ports import Body, Ending, ReplyBody
from settings import Gateway, Retry


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request as it came."""

    method: str
    url: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Body | None = None
    colo: str | None = None
    """The data centre that took the request (IATA code)."""
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call goes."""

    provider: str
    """A slug, which may be unknown: then the call is refused, and logged."""
    path: str
    """The provider's own path, as the caller wrote it, without a leading slash."""
    query: str
    """Without the question mark."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a caller asks for, as far as the dialect of the provider can tell."""

    model: str | None = None
    model_type: str | None = None
    """The task, in the words of Workers AI: `text-generation`, `text-embeddings`, …"""
    stream: bool = False
    text: str | None = None
    """The body, where it is JSON and short enough to be held."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the provider counted them. None is unknown, which is not 0."""

    tokens_in: int | None = None
    """All of the prompt, cached tokens included."""
    tokens_out: int | None = None
    """All of the answer, reasoning included."""
    cached: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What an ended answer says of itself."""

    model: str | None = None
    usage: Usage = Usage()
    complete: bool = True
    """False for a stream that ended without its last event, or with an error event."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What a provider's error says of itself."""

    code: str | None
    """The vendor's own word for it."""
    message: str | None
    retryable: bool
    """Whether the same request may succeed a moment later."""


@dataclass(slots=True)
class Reply:
    """An answer on its way up the pipeline."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: ReplyBody | str | None = None
    report: Callable[[Ending], Report] | None = None
    """Reads what the provider says of an answer that has ended."""
    failure: Callable[[str], Failure] | None = None
    """Reads what the text of an error says. None where no provider answered."""


@dataclass(slots=True)
class Attempt:
    """One try at a target: what one row of the log tells."""

    id: str
    started: float
    """Epoch milliseconds."""
    host: str
    first_byte: float | None = None
    """Epoch milliseconds at which the provider's headers had come."""
    outcome: Reply | GatewayError | None = None
    """What came of it. None while it is under way."""
    ended: float | None = None
    """Epoch milliseconds at which it was given up. None for an attempt that became the reply."""


@dataclass(frozen=True, slots=True)
class Call:
    """One operation of a caller, on its way down the pipeline."""

    id: str
    request: Request
    gateway: Gateway
    target: Target
    options: Options
    ask: Ask
    started: float
    """Epoch milliseconds."""
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    """Grows as the call is tried. The id of the first attempt is the call's own."""

    @property
    def event_id(self) -> str:
        """The id that groups the rows of one operation: the caller's own, or the call's."""
        return self.options.event_id or self.id

    @property
    def retry(self) -> Retry:
        """How often the call may be tried: as the caller wishes, else as the gateway is set."""
        wish, usual = self.options, self.gateway.retry
        return Retry(
            usual.attempts if wish.max_attempts is None else wish.max_attempts,
            usual.delay if wish.retry_delay is None else wish.retry_delay,
            wish.backoff or usual.backoff,
        )

    @property
    def logged(self) -> bool:
        """Whether the log gets a row of this call."""
        wish = self.options.collect_log
        return self.gateway.collect_logs if wish is None else wish


Handler = Callable[[Call], Awaitable[Reply]]
Policy = Callable[[Call, Handler], Awaitable[Reply]]
