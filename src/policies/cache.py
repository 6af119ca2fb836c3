"""Answer with what is kept, and keep what is answered."""

from dataclasses import dataclass, replace

from call import Call, Handler, Policy, Reply, Report, Usage
from costs.cost import whole, worth
from kept.key import cache_key
from kept.reply import HEAD_SIZE, Head, head, is_answer, worth_keeping
from ports import CacheError, Ending, FlightsError, Joined, Kept, Lead, Ports, Reading, ReplyBody

LARGEST = 25 * 1024 * 1024
"""Bytes of an answer that is kept: what Workers KV takes."""
PATIENCE_S = 65.0
"""How long a request waits for another one to bring the answer to both."""

# Flags of a row.
UNREADABLE = "cache_read_failed"
CORRUPT = "cache_corrupt"
UNWRITABLE = "cache_write_failed"
TOO_LARGE = "cache_too_large"
ALONE = "coalescing_unavailable"

_FREE = Usage(tokens_in=0, tokens_out=0)


def cache(ports: Ports) -> Policy:
    """Return the policy that asks no provider for what is kept, or what another request asks now.

    What is out of order makes a miss and a flag in the row, never an error. Raises ClientLeft, and
    what asking the provider raises.
    """

    async def cache(call: Call, proceed: Handler) -> Reply:
        begun = ports.clock()
        reading = await _reading(call, ports)
        if reading is None:
            return await proceed(call)
        if reply := _hit(call, await _read(call, reading), begun, ports.clock()):
            return reply
        joined = await _join(call, reading.key, ports)
        if reply := _hit(call, joined.kept, begun, ports.clock()):
            return reply
        return await _Miss(call, reading.key, joined.lead, ports).ask(proceed)

    return cache


@dataclass(frozen=True, slots=True)
class _Miss:
    """A call whose answer is to be kept."""

    call: Call
    key: str
    lead: Lead | None
    """The right to ask for others too, who are never left waiting."""
    ports: Ports

    async def ask(self, proceed: Handler) -> Reply:
        """Return the provider's answer, and keep it once it has ended."""
        body = None
        try:
            reply = await proceed(self.call)
            body = worth_keeping(reply)
        finally:
            if body is None:
                self._give_up()
        if body:
            body.watch(LARGEST)  # while it can still be copied on its way
            # Before the row is written, which tells how it went.
            prices = self.call.trail.attempts[-1].prices
            self.ports.background.add(self._keep(reply, body, prices))
        return reply

    async def _keep(self, reply: Reply, body: ReplyBody, prices: str | None) -> None:
        kept = None
        try:
            kept = self._worth_it(reply, await body.watch(), prices)
        finally:
            if kept is None:
                self._give_up()
        if kept:
            await self._hand_on(*kept)

    def _worth_it(
        self, reply: Reply, ending: Ending, prices: str | None
    ) -> tuple[str, object] | None:
        """Return the head and the bytes of an answer that has ended and is to be kept."""
        about = head(reply, ending, self.ports.clock(), self.call.cache_ttl)
        if about is None:
            if ending.state == "complete" and ending.size is None:
                self.call.trail.flags.append(TOO_LARGE)  # so long that nobody counted
            return None
        now, ask, options = self.ports.clock(), self.call.ask, self.call.options
        wished = options.cache_ttl is not None or options.cache_key is not None
        if not wished and not is_answer(about, ask):
            return None
        # A stream may not tell what it used: what is estimated of it now is what a hit saves.
        told = whole(about.report, ask, ending) if ask.stream else about.report
        cost = worth(told, ask, prices, None, now)
        text = replace(about, report=replace(about.report, cost=cost)).dump()
        if ending.copy is None or len(text.encode()) > HEAD_SIZE:
            self.call.trail.flags.append(TOO_LARGE)
            return None
        return text, ending.copy

    async def _hand_on(self, text: str, copy: object) -> None:
        if self.lead:
            await self.lead.share(text, copy)
        try:
            await self.ports.cache.write(self.key, text, copy, self.call.cache_ttl)
        except CacheError:
            self.call.trail.flags.append(UNWRITABLE)

    def _give_up(self) -> None:
        if self.lead:
            self.lead.give_up()


async def _reading(call: Call, ports: Ports) -> Reading | None:
    """Return the reading of what is kept for a call, or None for one whose answer is not."""
    # What was read ahead is of the first step, which may have been passed over since.
    if call.trail.reading and call.step == 0:
        return call.trail.reading
    key = await cache_key(call) if call.cache_ttl else None
    return ports.cache.read(key) if key else None


async def _read(call: Call, reading: Reading) -> Kept | None:
    try:
        return await reading.kept
    except CacheError:
        call.trail.flags.append(UNREADABLE)
        return None


async def _join(call: Call, key: str, ports: Ports) -> Joined:
    limit = call.options.timeout
    patience = min(PATIENCE_S, limit / 1000) if limit else PATIENCE_S
    try:
        return await ports.flights.join(key, patience)
    except FlightsError:
        call.trail.flags.append(ALONE)
        return Joined()


def _hit(call: Call, kept: Kept | None, begun: float, now: float) -> Reply | None:
    """Return the reply that was kept. None where there is none, or none that can be used."""
    if kept is None:
        return None
    try:
        about = Head.load(kept.head)
    except ValueError:
        about = None
    if about is None or about.size != kept.size:
        call.trail.flags.append(CORRUPT)
        return None
    if about.expires <= now:
        return None
    call.trail.begin(call, begun).first_byte = now
    age = {"age": str(max(0, round(now - about.stored) // 1000))}
    free = Report(about.report.model, _FREE, cost=0.0)
    return Reply(
        about.status,
        about.headers | age,
        kept.body(about.headers),
        report=lambda _ending: free,
        kept=about.report,
    )
