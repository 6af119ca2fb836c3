# What the runtime hands to the SDK of the platform's own modules.
from typing import Any

def __getattr__(name: str) -> Any: ...
