"""What this program says of itself: JSON lines like those that workerd writes."""

import json
import time
from typing import Literal

Level = Literal["info", "warn", "error"]


def report(level: Level, message: str, **more: object) -> None:
    """Write a line to stdout."""
    line = {"timestamp": time.time_ns() // 1_000_000, "level": level, "message": message, **more}
    print(json.dumps(line), flush=True)
