"""A gateway that is set up: what has to run, and how it is asked for each thing it can do."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from bench.ends import Call, Upstream
from bench.process import Program

MODEL = "gpt-4o-mini"
KEY = {"authorization": "Bearer sk-test", "content-type": "application/json"}
LIMIT = 50
"""Requests that the limited door lets through."""


class Feature(StrEnum):
    """What a gateway may be asked for."""

    PLAIN = "plain"
    CACHE = "cache"
    COUNTED = "counted"
    """With a rate limit that is never reached."""
    LIMITED = "limited"
    FALLBACK = "fallback"
    """With a first provider that always fails."""


def _as_it_is(chat: dict[str, Any]) -> Any:
    return chat


@dataclass(frozen=True)
class Door:
    """Where a feature is found."""

    url: str
    headers: Mapping[str, str] = field(default_factory=lambda: KEY)
    wrap: Callable[[dict[str, Any]], Any] = _as_it_is
    """Makes the body of a chat request one for this door."""

    def call(self, play: str, about: str, *, stream: bool = False, prompt: int = 1000) -> Call:
        """Return a request that makes the upstream play something.

        `about` tells requests apart, of which a cache must not take one for another. `prompt` is
        the length of the prompt in bytes.
        """
        text = f"play:{play} {about} ".ljust(prompt, "x")
        chat = {"model": MODEL, "messages": [{"role": "user", "content": text}]}
        body = json.dumps(self.wrap(chat | {"stream": True} if stream else chat))
        return Call(self.url, body.encode(), self.headers)


@dataclass(frozen=True)
class Site:
    """A gateway that is set up. A feature that it has not has no door."""

    programs: Sequence[Program]
    """The first is the gateway; others are the same with another configuration."""
    doors: Mapping[Feature, Door]


Prepare = Callable[[Path, Upstream], Site]
"""Sets a gateway up in a folder, in front of an upstream."""
