"""How long a provider asks to be left alone."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime


def retry_after(headers: Mapping[str, str], now: float) -> float:
    """Return the milliseconds that an answer asks to wait, 0 where it does not.

    `now` is in epoch milliseconds. `retry-after-ms` is what some vendors say more exactly:
    https://learn.microsoft.com/azure/ai-foundry/openai/how-to/quota
    """
    exact = headers.get("retry-after-ms", "")
    if _is_number(exact):
        return float(exact)
    value = headers.get("retry-after", "")
    if _is_number(value):
        return float(value) * 1000
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() * 1000 - now)
    except (ValueError, OverflowError):
        return 0.0


def _is_number(value: str) -> bool:
    whole, _, part = value.partition(".")
    return value.isascii() and whole.isdecimal() and (part.isdecimal() or value == whole)
