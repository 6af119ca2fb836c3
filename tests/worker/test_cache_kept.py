"""What lies in real KV: old, damaged, or written by another process."""

import json
import subprocess
import time
import uuid
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kept.key import custom_key
from running import ROOT, SERVE, Gateway, post, serving
from worker.scripted import ScriptedUpstream
from worker.scripts import AUDIO, CHAT
from wrangler import ENVIRONMENT, WRANGLER

pytestmark = pytest.mark.skipif(SERVE, reason="what writes to KV from outside is wrangler's")
KEPT = b"\x00\x01 kept \xff"
BODY: dict[str, Any] = {"model": "gpt-5-mini", "messages": []}


def _head(**more: object) -> dict[str, object]:
    now = round(time.time() * 1000)
    head = {"status": 201, "headers": {"content-type": "audio/x"}, "size": len(KEPT)}
    return head | {"stored": now - 61_000, "expires": now + 86_400_000, "report": {}} | more


PLANTED: dict[str, tuple[object, list[str]]] = {
    "good": (_head(), []),
    "expired": (_head(expires=round(time.time() * 1000) - 1), []),
    "nothing": (None, ["cache_corrupt"]),
    "a list": ([1, 2], ["cache_corrupt"]),
    "half a head": ({"status": 200}, ["cache_corrupt"]),
    "another size": (_head(size=len(KEPT) + 1), ["cache_corrupt"]),
    "an impossible status": (_head(status=1000), ["cache_corrupt"]),
    "a status without a body": (_head(status=204), ["cache_corrupt"]),
    "an impossible header": (_head(headers={"content-type": "a\nb"}), ["cache_corrupt"]),
    "strange counts": (_head(report={"usage": {"tokens_in": "x"}}), ["cache_corrupt"]),
}
"""What is kept beside the bytes, and the flags of the row that comes of it."""


@pytest.fixture(scope="module")
def planted(
    tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream
) -> Iterator[Gateway]:
    """Run a gateway, end it, write to its KV from outside, and run it again."""
    state = tmp_path_factory.mktemp("planted")
    local = {"UPSTREAMS": json.dumps({"openai": upstream.base_url})}
    with serving(state, **local) as gateway:
        internal_id = int(gateway.ask("").json()["result"]["internal_id"])
        assert ask(gateway, "outlives").headers["cf-aig-cache-status"] == "MISS"
        gateway.row_of(ask(gateway, "outlives"))
    _plant(state, internal_id)
    with serving(state, **local) as gateway:
        yield gateway


def _plant(state: Path, internal_id: int) -> None:
    values = [
        {
            "key": custom_key(internal_id, 0, name, stream=False),
            "value": b64encode(KEPT).decode(),
            "base64": True,
            **({} if head is None else {"metadata": head}),
        }
        for name, (head, _) in PLANTED.items()
    ]
    file = state / "planted.json"
    file.write_text(json.dumps(values))
    command = [*WRANGLER, "kv", "bulk", "put", file, "--binding", "CACHE"]
    done = subprocess.run(
        [*command, "--local", "--persist-to", state],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def ask(gateway: Gateway, name: str, script: str = "json_answer") -> httpx.Response:
    headers = {"cf-aig-cache-key": name}
    return post(f"{gateway.openai}/script/{script}", json=BODY, headers=headers, timeout=60)


def test_what_is_kept_outlives_the_process(planted: Gateway) -> None:
    answer = ask(planted, "outlives", "audio")

    assert (answer.headers["cf-aig-cache-status"], answer.content) == ("HIT", CHAT)


def test_what_another_process_has_kept_is_an_answer(planted: Gateway) -> None:
    answer = ask(planted, "good")

    assert (answer.status_code, answer.content) == (201, KEPT)
    assert answer.headers["content-type"] == "audio/x"
    assert int(answer.headers["age"]) >= 61
    assert planted.row_of(answer)["flags"] == []


@pytest.mark.parametrize("name", [name for name in PLANTED if name != "good"])
def test_what_is_too_old_or_damaged_is_asked_for_anew_and_replaced(
    planted: Gateway, name: str
) -> None:
    first = ask(planted, name, "audio")
    row = planted.row_of(first)
    second = ask(planted, name)

    assert (first.status_code, first.content) == (200, AUDIO)
    assert first.headers["cf-aig-cache-status"] == "MISS"
    assert row["flags"] == PLANTED[name][1]
    assert (second.headers["cf-aig-cache-status"], second.content) == ("HIT", AUDIO)


def test_no_key_of_a_provider_and_no_prompt_is_at_rest_in_what_is_kept(planted: Gateway) -> None:
    prompt, secret = f"prompt-{uuid.uuid4().hex}", f"sk-{uuid.uuid4().hex}"
    answer = post(
        f"{planted.openai}/script/json_answer",
        json=BODY | {"user": prompt},
        headers={
            "authorization": f"Bearer {secret}",
            "cf-aig-cache-ttl": "60",
            "cf-aig-collect-log-payload": "false",
        },
        timeout=60,
    )
    planted.row_of(answer)

    at_rest = planted.at_rest()
    assert secret.encode() not in at_rest
    assert prompt.encode() not in at_rest
