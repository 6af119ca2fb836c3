"""What asks for Workers AI's models on a server of one's own."""

from contextlib import AbstractContextManager
from typing import Any

import httpx

from running import Gateway
from worker.scripted import PLAY

LLAMA = "@cf/meta/llama-3.1-8b-instruct"
MESSAGES = [{"role": "user", "content": "Hello"}]


def ask(gateway: Gateway, path: str, script: str, **body: Any) -> httpx.Response:
    url = f"{gateway.address}/workers-ai/{path}"
    return httpx.post(url, json=body, headers={PLAY: script}, timeout=30)


def listen(
    gateway: Gateway, path: str, script: str, **body: Any
) -> AbstractContextManager[httpx.Response]:
    url, body = f"{gateway.address}/workers-ai/{path}", body | {"stream": True}
    return httpx.stream("POST", url, json=body, headers={PLAY: script}, timeout=30)
