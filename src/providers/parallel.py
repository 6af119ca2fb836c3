"""Parallel: search and research on the web."""

import re
from collections.abc import Mapping

from dialects.parallel import PARALLEL
from ports import Outgoing
from providers.base import Key, Provider, chat
from signing.base import Means

# What OpenAI's clients call, and so send the key as they do:
# https://docs.parallel.ai/chat-api/chat-quickstart
_OPENAI = re.compile(r"(?:v\d+(?:beta)?/)?(?:chat/completions|responses)(?=/|\Z)")


async def _authorize(
    key: str | None, path: str, outgoing: Outgoing, _means: Means
) -> Mapping[str, str]:
    stored = {} if key is None else _written(key, path)
    return {**outgoing.headers, **stored}


def _written(key: str, path: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"} if _OPENAI.match(path) else {"x-api-key": key}


PROVIDER = Provider(
    base_url="https://api.parallel.ai",
    docs="https://docs.parallel.ai/getting-started/glossary",
    dialect=PARALLEL,
    key=Key("x-api-key", "{}", also=("authorization",)),
    headers=("parallel-beta",),
    meters=("searches",),
    example=chat("chat/completions", "speed"),
    authorize=_authorize,
)
