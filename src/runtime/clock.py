"""The Clock port."""

import asyncio
import time


class WallClock:
    """The time of day. In production it stands still between two waits for something outside."""

    def __call__(self) -> float:
        """Return the time in milliseconds since the epoch."""
        return time.time() * 1000

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)
