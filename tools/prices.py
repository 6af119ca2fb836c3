"""Write src/costs/price_table.py from what two PyPI packages publish: genai-prices and LiteLLM.

genai-prices is installed with the other tools, and has the prices of text. Its rules for the names
of models are kept as they are, and so is their order. LiteLLM's table has what it lacks: images,
seconds of audio, characters, searches, and how many tokens a model takes and writes. It is read
from the package, which is not installed.
"""

import datetime
import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import genai_prices
from genai_prices import types
from genai_prices.data import providers

from costs.price_table import SOURCES
from published_media import media
from published_reach import Published, Reach, reached, reaches

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "src" / "costs" / "price_table.py"

LITELLM = "litellm==1.109.1"
LITELLM_FILE = "litellm/model_prices_and_context_window_backup.json"
LITELLM_SHA256 = "8f8060d8ce7a40c91b995c74d6a27657543d49e3c1c53430dabd556f244392c6"

KEPT = (
    "anthropic",
    "aws",
    "azure",
    "baseten",
    "cerebras",
    "cloudflare",
    "cohere",
    "deepseek",
    "elevenlabs",
    "fireworks",
    "google",
    "groq",
    "mistral",
    "moonshotai",  # for Azure, which sells it
    "openai",
    "openrouter",
    "perplexity",
    "x-ai",
)
"""The vendors of genai-prices that providers of ours are, or whose models they sell."""
_ROUTED = "huggingface"
"""The vendors behind Hugging Face's router are one here: `{model}:{vendor}` names a price."""

# What no answer is metered in, or what is the same as another one.
_LEFT_OUT = {
    "input_document_kpages",
    "input_annotated_document_kpages",
    "input_text_messages_kcount",
    "input_audio_hours",  # the same price as `audio_hours`
    "output_citation_mtok",
    "output_video_mtok",
    "storage_searches_kcount",
}
# Groq counts no recording as shorter; genai-prices has it in its code, not in its data.
_LEAST_SECONDS = {("groq", "whisper-large-v3"): 10, ("groq", "whisper-large-v3-turbo"): 10}

HEAD = '''\
"""Prices in USD. Written by `make prices`, and read by `pricing`, which tells what a row is."""

# fmt: off

SOURCES = {sources}
"""The packages that the prices were taken from, and the day."""

ALSO = {also}
"""The vendors whose models a vendor sells at their prices, where it has none of its own."""

# One text for each vendor, which is parsed when it is first needed. One model a line.
MODELS = {{
'''

Row = list[Any]
"""Rules, prices, and variants, as `pricing` reads them."""


def main() -> None:
    """Write the table, and say how large it is."""
    versions = {"genai-prices": genai_prices.__version__, "litellm": LITELLM.partition("==")[2]}
    today = _day(versions)
    published = litellm(_downloaded())
    rows = {name: list(_rows(name, today, published)) for name in KEPT}
    rows[_ROUTED] = list(_routed(today, published))
    for name, found in media(published).items():
        known = [provider for provider in providers if provider.id == name]
        rows.setdefault(name, []).extend(
            row for model, row in found if not any(p.find_model(model) for p in known)
        )
    also = {p.id: p.fallback_model_providers for p in providers if p.id in KEPT}
    head = HEAD.format(
        sources=json.dumps(versions | {"date": today.isoformat()}),
        also=json.dumps({name: others for name, others in also.items() if others}),
    )
    TABLE.write_text(head + "".join(_text(name, rows[name]) for name in sorted(rows)) + "}\n")
    print(f"{TABLE}: {sum(map(len, rows.values()))} models, {TABLE.stat().st_size} bytes")


def _day(versions: Mapping[str, str]) -> datetime.date:
    """Return the day of the prices of these versions: that of the table, where it is of them."""
    if versions.items() <= SOURCES.items():
        return datetime.date.fromisoformat(SOURCES["date"])
    return datetime.datetime.now(tz=datetime.UTC).date()


def litellm(wheel: Path) -> dict[str, Any]:
    """Return LiteLLM's table. Exits where it is not the one that this file names."""
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(LITELLM_FILE)
    if hashlib.sha256(content).hexdigest() != LITELLM_SHA256:
        sys.exit(f"prices: {LITELLM_FILE} is not the one of LITELLM_SHA256")
    return json.loads(content)


def _downloaded() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="prices-"))
    command = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "-d", folder, LITELLM]
    subprocess.run(command, check=True)
    return next(folder.glob("*.whl"))


def _text(name: str, rows: Iterable[Row]) -> str:
    lines = ",\n".join(json.dumps(row, separators=(",", ":"), ensure_ascii=False) for row in rows)
    assert "'''" not in lines
    return f"    {json.dumps(name)}: r'''[\n{lines}\n]''',\n"


def _rows(name: str, today: datetime.date, published: Published) -> Iterator[Row]:
    provider = next(provider for provider in providers if provider.id == name)
    reach = reaches(provider, name, published)
    for model in provider.models:
        row = _row(model, today, reach[model.id], _LEAST_SECONDS.get((name, model.id)))
        # A model without a price that answers are metered in would hide those behind it.
        yield [_rules(model.match), *row]


def _routed(today: datetime.date, published: Published) -> Iterator[Row]:
    for provider in providers:
        vendor = provider.id.removeprefix(f"{_ROUTED}_")
        if vendor != provider.id:
            reach = reaches(provider, vendor, published)
            for model in provider.models:
                rules = [f"{rule}:{vendor}" for rule in _rules(model.match)]
                assert all(rule.startswith("=") for rule in rules), rules
                yield [rules, *_row(model, today, reach[model.id])]


def _row(
    model: types.ModelInfo, today: datetime.date, reach: Reach, least: int | None = None
) -> Row:
    prices = _prices(model.prices, today)
    if isinstance(prices, dict):
        prices = reached(prices, reach)
        if least:
            prices["least_seconds"] = least
    else:
        prices = [[when, reached(priced, reach)] for when, priced in prices]
    variants = [_variant(variant, today) for variant in model.price_variants or ()]
    return [prices, variants] if variants else [prices]


def _variant(variant: types.PriceVariant, today: datetime.date) -> Row:
    begins = _when(variant.constraint, today)
    return [variant.when, _priced(variant.prices), *([begins] if begins else [])]


def _prices(
    prices: types.ModelPrice | list[types.ConditionalPrice], today: datetime.date
) -> dict[str, Any] | list[Row]:
    if isinstance(prices, types.ModelPrice):
        return _priced(prices)
    # The last that holds is the one. What another that holds always stands behind is history.
    rows: list[Row] = [[_when(p.constraint, today), _priced(p.prices)] for p in prices]
    past = max((i for i, row in enumerate(rows) if row[0] is None), default=0)
    rows = rows[past:]
    return rows[0][1] if len(rows) == 1 else rows


def _when(
    constraint: types.StartDateConstraint | types.TimeOfDateConstraint | None, today: datetime.date
) -> str | list[str] | None:
    """Return when a price holds: from a day on, daily between two times of UTC, or (None) now."""
    if constraint is None:
        return None
    if isinstance(constraint, types.StartDateConstraint):
        begins = constraint.start_date
        return begins.isoformat() if begins > today else None
    return [_utc(constraint.start_time), _utc(constraint.end_time)]


def _utc(moment: datetime.time) -> str:
    if moment.tzinfo is not None:
        day = datetime.date(2000, 1, 1)
        moment = datetime.datetime.combine(day, moment).astimezone(datetime.UTC).time()
    return moment.isoformat(timespec="seconds")


def _priced(prices: types.ModelPrice) -> dict[str, Any]:
    known = {key: price for key, price in prices.__dict__.items() if price is not None}
    kept = {key: _tiered(price) for key, price in known.items() if key not in _LEFT_OUT}
    # No price at all is the price of what is free.
    return {"unmetered": 1} if known and not kept else kept


def _tiered(price: Decimal | types.TieredPrices) -> float | list[Any]:
    if isinstance(price, types.TieredPrices):
        return [_number(price.base), *([tier.start, _number(tier.price)] for tier in price.tiers)]
    return _number(price)


def _number(price: Decimal) -> float | int:
    return int(price) if price == int(price) else float(price)


def _rules(match: types.MatchLogic) -> list[Any]:
    """Return the rules of which one must hold: a text, or a list of those that must all hold."""
    if isinstance(match, types.ClauseOr):
        return [rule for clause in match.or_ for rule in _rules(clause)]
    if isinstance(match, types.ClauseAnd):
        # Of one rule each, which is all that the data has.
        return [[_only(_rules(clause)) for clause in match.and_]]
    return [_rule(match.__dict__)]


def _rule(clause: Mapping[str, str]) -> str:
    ((kind, text),) = clause.items()
    signs = {"equals": "=", "starts_with": "^", "ends_with": "$", "contains": "*", "regex": "~"}
    return signs[kind] + (text if kind == "regex" else text.lower())


def _only(rules: list[Any]) -> Any:
    (rule,) = rules
    return rule


if __name__ == "__main__":
    main()
