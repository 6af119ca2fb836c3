"""What usage costs, by a table of prices: pure, and of no vendor's name.

A row of the table is what `make prices` wrote: `[rules, prices, variants]`, the last only where
there are some. The first row of which a rule holds is a model's. A rule is a sign and a text:
`=` equals, `^` begins with, `$` ends with, `*` contains, `~` finds by a regular expression; rules
in a list must all hold. Prices are numbers by unit, or tiers: `[base, [above, price], …]`, where
the prompt's tokens decide. Where they depend on the time, they are a list of `[when, prices]`, of
which the last that holds is taken: a day from which on, or two times of the day, in UTC. A variant
is `[terms, prices, day]`, and takes the place of the prices that it names. Beside the prices of
what a model writes stand the most tokens that it takes and writes, where somebody publishes them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast

from call import Usage
from costs.price_table import ALSO, MODELS

Prices = Mapping[str, Any]
Row = list[Any]

# A unit: what is counted, for how many the price is, and the units whose counts are part of its
# own. A part that has a price is not paid again with the whole: parts stand before it.
_UNITS: dict[str, tuple[str, int, tuple[str, ...]]] = {
    "cache_audio_read_mtok": ("cached_audio", 1_000_000, ()),
    "cache_image_read_mtok": ("cached_image", 1_000_000, ()),
    "cache_read_mtok": ("cached", 1_000_000, ("cache_audio_read_mtok", "cache_image_read_mtok")),
    "cache_write_1h_mtok": ("cache_write_1h", 1_000_000, ()),
    "cache_write_mtok": ("cache_write", 1_000_000, ("cache_write_1h_mtok",)),
    "input_audio_mtok": ("audio_in", 1_000_000, ("cache_audio_read_mtok",)),
    "input_image_mtok": ("image_in", 1_000_000, ("cache_image_read_mtok",)),
    "input_video_mtok": ("video_in", 1_000_000, ()),
    "input_mtok": (
        "tokens_in",
        1_000_000,
        (
            "cache_audio_read_mtok",
            "cache_image_read_mtok",
            "cache_read_mtok",
            "cache_write_1h_mtok",
            "cache_write_mtok",
            "input_audio_mtok",
            "input_image_mtok",
            "input_video_mtok",
        ),
    ),
    "output_audio_mtok": ("audio_out", 1_000_000, ()),
    "output_image_mtok": ("image_out", 1_000_000, ()),
    "output_reasoning_mtok": ("reasoning", 1_000_000, ()),
    "output_mtok": (
        "tokens_out",
        1_000_000,
        ("output_audio_mtok", "output_image_mtok", "output_reasoning_mtok"),
    ),
    "input_mchars": ("characters", 1_000_000, ()),
    "audio_hours": ("audio_seconds", 3600, ()),
    "images": ("images", 1, ()),
    "web_searches_kcount": ("searches", 1000, ()),
}
_WHOLES = ("input_mtok", "output_mtok")
_REQUESTS = "requests_kcount"
_BOUNDED = ("input_mchars", "images", "web_searches_kcount", _REQUESTS)
_LEAST_SECONDS = "least_seconds"
"""What a shorter recording is paid for."""
_TAKEN, _WRITTEN = "most_in", "most_out"

# The same date in the two ways that are in use: `-20251211`, `-2025-12-11`.
_DATE = re.compile(r"-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")

MODELS_KEPT = 512
"""How many models' rows are kept at hand. A gateway sees few; a caller may make up many."""


def price(
    prices: str, model: str, usage: Usage, terms: Mapping[str, str], at: float
) -> float | None:
    """Return what usage costs in USD. None where the model, or all that was used, has no price.

    `prices` is a vendor's name in the table, `terms` what a price may depend on besides, as a
    vendor names it (`{"service_tier": "flex"}`), `at` the time of the request (epoch milliseconds).
    """
    row, own = _found(prices, model.lower())
    if row is None:
        return None
    # What is sold at another vendor's prices is not sold on its terms.
    return _sum(_prices(row, terms if own else {}, at), usage)


def ceiling(
    prices: str, model: str, most: Usage, terms: Mapping[str, str], at: float
) -> float | None:
    """Return what usage may cost at the most, of whatever kinds its tokens are. Else as `price`.

    None, too, where all that has a price is what nobody knows beforehand: seconds of audio.
    """
    row, own = _found(prices, model.lower())
    if row is None:
        return None
    known = _prices(row, terms if own else {}, at)
    bounded = {unit: known[unit] for unit in _BOUNDED if unit in known}
    for whole in _WHOLES:
        kinds = [kind for kind in (whole, *_UNITS[whole][2]) if kind in known]
        if kinds:
            bounded[whole] = max(_rate(known[kind], most.tokens_in or 0) for kind in kinds)
    return _sum(bounded, most) if bounded or not known else None


@dataclass(frozen=True, slots=True)
class Reach:
    """How many tokens a model takes and writes at the most. None is unknown."""

    taken: int | None = None
    written: int | None = None


def reach(prices: str, model: str, terms: Mapping[str, str], at: float) -> Reach:
    """Return the reach of a model, by the arguments of `price`.

    That of one that is free is 0: however much it takes and writes costs as much.
    """
    row, own = _found(prices, model.lower())
    if row is None:
        return Reach()
    known = _prices(row, terms if own else {}, at)
    return Reach(known.get(_TAKEN), known.get(_WRITTEN)) if known else Reach(0, 0)


@dataclass(frozen=True, slots=True)
class _Book:
    """A vendor's models, so that a name is found without a look at each."""

    rows: list[Row]
    equal: dict[str, int]
    """By a name that a rule gives whole: the first row that has it."""
    others: list[tuple[int, Any]]
    """All other rules, and their rows."""

    def row(self, model: str) -> Row | None:
        last = self.equal.get(model, len(self.rows))
        for index, rule in self.others:
            if index >= last:
                break
            if _holds(rule, model):
                return self.rows[index]
        return self.rows[last] if last < len(self.rows) else None


@lru_cache(MODELS_KEPT)
def _found(prices: str, model: str) -> tuple[Row | None, bool]:
    """Return the row of a model, and whether it is the vendor's own."""
    for name in _spellings(model):
        for vendor in (prices, *ALSO.get(prices, ())):
            if row := _book(vendor).row(name):
                return row, vendor == prices
    return None, True


def _spellings(model: str) -> Iterator[str]:
    yield model
    dated = _DATE.sub(r"-\1-\2-\3", model)
    if dated != model:
        yield dated


@lru_cache
def _book(vendor: str) -> _Book:
    rows: list[Row] = json.loads(MODELS.get(vendor, "[]"))
    equal: dict[str, int] = {}
    others: list[tuple[int, Any]] = []
    for index, row in enumerate(rows):
        for rule in row[0]:
            if rule[0] == "=":
                equal.setdefault(rule[1:], index)
            else:
                others.append((index, rule))
    return _Book(rows, equal, others)


def _holds(rule: str | list[str], model: str) -> bool:
    if isinstance(rule, list):
        return all(_holds(each, model) for each in rule)
    sign, text = rule[0], rule[1:]
    if sign == "^":
        return model.startswith(text)
    if sign == "$":
        return model.endswith(text)
    if sign == "*":
        return text in model
    return model == text if sign == "=" else bool(re.search(text, model))


def _prices(row: Row, terms: Mapping[str, str], at: float) -> Prices:
    timed = isinstance(row[1], list)
    standard = _current(cast("list[Row]", row[1]), at) if timed else cast("Prices", row[1])
    if len(row) < 3 or not terms:
        return standard
    replaced: dict[str, Any] = {}
    for when, prices, *begins in row[2]:
        if terms.items() >= when.items() and (not begins or _active(begins[0], at)):
            replaced = {**prices, **replaced}
    return {**standard, **replaced}


def _current(rows: list[Row], at: float) -> Prices:
    return next((prices for when, prices in reversed(rows) if _active(when, at)), rows[0][1])


def _active(when: str | list[str] | None, at: float) -> bool:
    if when is None:
        return True
    moment = datetime.fromtimestamp(at / 1000, UTC)
    if isinstance(when, str):
        return moment.date().isoformat() >= when
    begins, ends, now = *when, moment.time().isoformat()
    # A window may reach over midnight.
    return begins <= now < ends if begins <= ends else now >= begins or now < ends


def _sum(prices: Prices, usage: Usage) -> float | None:
    """Return the sum over all that has both a price and a count. None where nothing has."""
    paid: dict[str, float] = {}
    """What each unit is paid for, without its parts."""
    total = 0.0
    for unit, (field, many, parts) in _UNITS.items():
        if (rate := prices.get(unit)) is None or (count := getattr(usage, field)) is None:
            continue
        if unit == "audio_hours" and count:
            count = max(count, prices.get(_LEAST_SECONDS, 0))
        # A vendor whose parts are more than the whole has miscounted: nobody is paid for it.
        paid[unit] = max(0, count - sum([paid[part] for part in parts if part in paid]))
        total += _rate(rate, usage.tokens_in or 0) * paid[unit] / many
    if not paid:
        # Some models are free, and say so by a row without prices.
        return 0.0 if not prices and usage.tokens_in is not None else None
    return total + prices.get(_REQUESTS, 0) / 1000


def _rate(rate: Any, tokens_in: int) -> float:
    if isinstance(rate, int | float):
        return rate
    base, *tiers = rate
    return next((price for above, price in reversed(tiers) if tokens_in > above), base)
