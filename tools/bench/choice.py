"""Which of the named things a run is about."""

import sys
from collections.abc import Iterable


def chosen(text: str | None, names: Iterable[str], what: str) -> list[str]:
    """Return the names that a list with commas picks, in their own order; all, without a list.

    Exits with a message where a name is none of them.
    """
    names = list(names)
    if not text:
        return names
    picked = {each.strip() for each in text.split(",") if each.strip()}
    if unknown := sorted(picked.difference(names)):
        sys.exit(f"bench: no {what} {', '.join(unknown)}. There are: {', '.join(names)}")
    return [name for name in names if name in picked]
