# What the entry points use of the Workers SDK.
from typing import Any

class WorkerEntrypoint:
    env: Any
    ctx: Any

class DurableObject:
    env: Any
    ctx: Any
    def __init__(self, ctx: Any, env: Any) -> None: ...
