"""Workers AI, through the binding of the Worker or, with a token, Cloudflare's REST API."""

import re
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import unquote

from dialects.workers_ai import WORKERS_AI
from dialects.workers_ai_run import run, unwrapped
from errors import BadPath
from providers.base import Named, Provider, chat

# Behind the same host, and with the same token, is all of Cloudflare: no path may climb out of the
# account's AI, by a segment of dots or by its escapes. No name of a model or a task needs either.
_SEGMENTS = r"(?:/[A-Za-z0-9@:_~-][A-Za-z0-9@:._~-]*)+"
_PATH = re.compile(rf"(?P<v1>v1{_SEGMENTS})|(?:run/)?(?P<model>(?:@|%40)(?:cf|hf){_SEGMENTS})")
_MODEL = re.compile(r"(?:^|&)model=([^&]*)")
_RULE = "Use @cf/{author}/{model}, @hf/{author}/{model} or v1/…"


def _address(account: str, path: str) -> str:
    parts = _PATH.fullmatch(path) or _refuse(path)
    place = parts["v1"] or f"run/{parts['model']}"
    return f"https://api.cloudflare.com/client/v4/accounts/{account}/ai/{place}"


def _refuse(path: str) -> NoReturn:
    raise BadPath(path, _RULE)


def _socket(path: str, query: str) -> tuple[str, str]:
    # The model stands in the query of clients, and in the path of the vendor.
    model = _MODEL.search(query)
    rest = [part for part in query.split("&") if not part.startswith("model=")]
    return (path or (unquote(model[1]) if model else ""), "&".join(rest))


def _named(model: str, inputs: Mapping[str, Any]) -> Named:
    return Named(f"run/{model}", inputs)


PROVIDER = Provider(
    base_url="https://api.cloudflare.com/client/v4/accounts/{account}/ai/run",
    docs="https://developers.cloudflare.com/workers-ai/get-started/rest-api/",
    dialect=WORKERS_AI,
    # https://developers.cloudflare.com/workers-ai/features/prompt-caching
    headers=("x-session-affinity",),
    meters=("tokens", "images", "audio_seconds"),
    prices="cloudflare",
    example=chat("v1/chat/completions", "@cf/meta/llama-3.1-8b-instruct"),
    address=_address,
    socket=_socket,
    bound=run,
    authors=("@cf", "@hf"),
    named=_named,
    output=unwrapped,
)
