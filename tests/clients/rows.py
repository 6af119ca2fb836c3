"""What the log of a gateway says of a test."""

from typing import Any

from running import Gateway, until


def only_row(gateway: Gateway) -> dict[str, Any]:
    """Wait for the row of a gateway that has had one request, and return it."""
    (row,) = rows(gateway, 1)
    return row


def rows(gateway: Gateway, count: int) -> list[dict[str, Any]]:
    """Wait for so many rows, and return all there are, the oldest first."""

    def look() -> list[dict[str, Any]] | None:
        found = gateway.ask("/logs?per_page=50").json()["result"]
        return found[::-1] if len(found) >= count else None

    return until(look, f"{count} rows of {gateway.name}")
