"""The values that travel: Request, Call, Attempt, Reply; and what a pipeline is made of."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from errors import GatewayError
from ids import uuid7
from limits.counter import Verdict
from limits.rules import Budget, Limit
from options import Options
from ports import Body, Ending, Reading, ReplyBody
from settings import Retry
from snapshot import Gateway
from values import value

Kind = Literal["provider", "universal", "websocket"]
CUSTOM_KEY_TTL = 300
"""Seconds for which an answer is kept under a key of the caller's, where nobody said how long."""
COUNTING = "token-counting"
"""The task of a request that asks how long a prompt is: nothing is generated, nor paid for."""
_READING = ("GET", "HEAD", "DELETE")


@value
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
    address: str | None = None
    """Of the caller, as the network tells it: no header of the caller's own."""


@value
class Target:
    """Where a call goes."""

    provider: str
    """A slug, which may be unknown: then the call is refused, and logged."""
    path: str
    """The provider's own path, as the caller wrote it, without a leading slash."""
    query: str
    """Without the question mark."""


@value
class Ask:
    """What a caller asks for, as far as the dialect of the provider can tell."""

    model: str | None = None
    model_type: str | None = None
    """The task, in the words of Workers AI: `text-generation`, `text-embeddings`, …

    And one of our own, COUNTING.
    """
    stream: bool = False
    text: str | None = None
    """The body, where it is JSON and short enough to be held."""
    deployed: bool = False
    """Whether the model's name is one that the caller's side has given: an answer knows better."""
    others: tuple[str, ...] = ()
    """Models that the provider may run in place of the first, where it fails."""
    secret: bool = False
    """Whether the bodies may hold credentials, so that no log may keep them."""


@value
class Usage:
    """What was used, as the provider counted it. None is unknown, which is not 0."""

    tokens_in: int | None = None
    """All of the prompt, cached tokens included."""
    tokens_out: int | None = None
    """All of the answer, reasoning included."""
    cached: int | None = None
    cache_write: int | None = None
    """All that was written to the cache, for however long."""
    reasoning: int | None = None
    cache_write_1h: int | None = None
    """Of that, what is kept for an hour. None, as in the next ones, where there is nothing."""
    audio_in: int | None = None
    """Of the tokens, those of a kind that may have a price of its own."""
    audio_out: int | None = None
    image_in: int | None = None
    image_out: int | None = None
    video_in: int | None = None
    cached_audio: int | None = None
    cached_image: int | None = None
    characters: int | None = None
    """Of text that was spoken."""
    audio_seconds: float | None = None
    """Of audio that was written down."""
    images: int | None = None
    compute_seconds: float | None = None
    searches: int | None = None


@value
class Report:
    """What an ended answer says of itself."""

    model: str | None = None
    usage: Usage = Usage()
    complete: bool = True
    """False for a stream that ended without its last event, or with an error event."""
    cost: float | None = None
    """USD, where the vendor says."""
    terms: Mapping[str, str] = field(default_factory=dict[str, str])
    """What a price depends on besides: `service_tier`, `speed`, `processing`."""


@value
class Failure:
    """What a provider's error says of itself."""

    code: str | None
    """The vendor's own word for it."""
    message: str | None
    retryable: bool
    """Whether the same request may succeed a moment later."""
    wait: float | None = None
    """Seconds after which it may, where the text says."""


@dataclass(slots=True)
class Reply:
    """An answer on its way up the pipeline."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: ReplyBody | str | None = None
    report: Callable[[Ending], Report] | None = None
    """Reads what the provider says of an answer that has ended."""
    failure: Callable[[str], Failure | None] | None = None
    """Reads what a text says of a failure: of an error, or hidden in an answer of status 200.

    None where no provider answered.
    """
    failed: Failure | None = None
    """What was found of it, where somebody looked."""
    kept: Report | None = None
    """What was reported of the answer when it was kept. None where it comes from no cache."""
    spare: bool = False
    """Whether another stored key is there to be used at once in place of one that was refused."""


@dataclass(slots=True)
class Attempt:
    """One try at a target: what one row of the log tells."""

    id: str
    call: "Call"
    """The call as it was tried: its target and its options may be those of a later step."""
    started: float
    """Epoch milliseconds."""
    number: int = 0
    """Counted from 1 within the operation. 0 where no provider was tried."""
    host: str = ""
    prices: str | None = None
    """The provider's name in the table of prices. None: it has no prices there."""
    charged: bool = True
    """Whether somebody takes money for it: not where a model of one's own runs."""
    key_id: str | None = None
    """Of the stored key that was used."""
    first_byte: float | None = None
    """Epoch milliseconds at which the provider's headers had come."""
    outcome: Reply | GatewayError | None = None
    """What came of it. None while it is under way."""
    ended: float | None = None
    """Epoch milliseconds at which it was given up. None for an attempt that became the reply."""


@dataclass(slots=True)
class Trail:
    """What is learnt of a call on its way. Its steps share it."""

    attempts: list[Attempt] = field(default_factory=list[Attempt])
    """Grows as the call is tried. The id of the first attempt is the call's own.

    They hold the call as it holds them. Whoever has sent it off clears them, or both would be held,
    with all their bodies, until Python looks for such circles.
    """
    token_id: str | None = None
    """Of the token that the caller showed."""
    skipped: list[int] = field(default_factory=list[int])
    """The steps that were passed over, because their targets fail."""
    flags: list[str] = field(default_factory=list[str])
    """What the gateway did without, for it was out of order, and what it would have done."""
    reading: Reading | None = None
    """The kept answer to the first step, while it is being read ahead of its turn."""
    limits: dict[str, tuple[Limit, Verdict]] = field(
        default_factory=dict[str, tuple[Limit, Verdict]]
    )
    """The enforced limits that were asked, by their id, and what they said."""
    budgets: dict[str, tuple[Budget, Verdict]] = field(
        default_factory=dict[str, tuple[Budget, Verdict]]
    )
    """The enforced budgets that were asked, likewise."""

    def begin(self, call: "Call", now: float) -> Attempt:
        """Note that a call is answered for, from `now` on. Its first attempt has its own id."""
        attempt = Attempt(uuid7(now) if self.attempts else call.id, call, now)
        self.attempts.append(attempt)
        return attempt

    def count(self, attempt: Attempt) -> None:
        """Note that the provider is about to be asked."""
        attempt.number = 1 + sum(each.number > 0 for each in self.attempts)

    def give_up(self, outcome: Reply | GatewayError, now: float) -> None:
        """Note that the newest attempt came to an outcome that nobody will see."""
        if self.attempts and self.attempts[-1].outcome is None:
            self.attempts[-1].outcome = outcome
            self.attempts[-1].ended = now
        if isinstance(outcome, Reply) and outcome.body and not isinstance(outcome.body, str):
            outcome.body.discard()


@value
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
    kind: Kind = "provider"
    step: int = 0
    fallbacks: "tuple[Call, ...]" = ()
    """The steps after this one, for when it fails."""
    problem: GatewayError | None = None
    """What is wrong with the request. It is refused, and logged."""
    admitted: bool = False
    """Whether it came through a binding, which tells who calls: no token is wanted."""
    trail: Trail = field(default_factory=Trail)

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
    def cache_ttl(self) -> int:
        """For how many seconds an answer is kept; 0: it is neither looked up nor kept."""
        wish, asks = self.options, self.request.method == "POST" and self.kind != "websocket"
        if wish.skip_cache or self.ask.secret or not asks:
            return 0
        if wish.cache_ttl is not None:
            return wish.cache_ttl
        return self.gateway.cache_ttl or (CUSTOM_KEY_TTL if wish.cache_key else 0)

    @property
    def billed(self) -> bool:
        """Whether the answer may cost anything: not where one reads, deletes, or counts tokens."""
        reads = self.request.method in _READING and self.kind != "websocket"
        return not reads and self.ask.model_type != COUNTING

    @property
    def logged(self) -> bool:
        """Whether the log gets a row of this call."""
        if self.gateway.log_full:
            return False
        wish = self.options.collect_log
        return self.gateway.collect_logs if wish is None else wish


Handler = Callable[[Call], Awaitable[Reply]]
Policy = Callable[[Call, Handler], Awaitable[Reply]]


async def outcome_of(call: Call, proceed: Handler) -> Reply | GatewayError:
    """Proceed with a call, and return what came of it: an error of the gateway's own, too."""
    try:
        return await proceed(call)
    except GatewayError as error:
        return error
