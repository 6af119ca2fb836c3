"""The management API in memory, as tests ask it."""

import json
from typing import Any

from call import Reply, Request
from fakes import Bench, FakeBody, told

BASE = "https://sluice.test/client/v4/accounts/acme/ai-gateway"


async def asked(bench: Bench, method: str, path: str, body: object = None) -> Reply:
    """Ask with the admin token. A text is a body as it is, anything else becomes JSON."""
    headers = {"authorization": "Bearer secret"}
    content = FakeBody(body if isinstance(body, str) else json.dumps(body))
    return await bench.handle(Request(method, f"{BASE}/{path}", headers, content))


def result(reply: Reply) -> Any:
    """Return what an answer holds, which must be a success."""
    assert reply.status == 200, reply.body
    return told(reply)["result"]


def wrong(reply: Reply) -> list[tuple[int, int, list[str] | None]]:
    """Return what is wrong: status, code and path of each error."""
    return [(reply.status, one["code"], one.get("path")) for one in told(reply)["errors"]]
