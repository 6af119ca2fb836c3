"""The log through a queue, on the real runtime: a deployment of its own that binds one."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from running import ROOT, SERVE, Gateway, post, serving, until
from worker.scripted import ScriptedUpstream

CHAT = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hello"}]}
QUEUE = """
[[queues.producers]]
binding = "LOG_QUEUE"
queue = "sluice-logs"

[[queues.consumers]]
queue = "sluice-logs"
max_batch_size = 100
max_batch_timeout = 1
"""


@pytest.fixture(scope="module")
def queued(
    tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream
) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("queued")
    for name in ("src", "python_modules", "migrations"):
        (folder / name).symlink_to(ROOT / name)
    config = folder / "wrangler.toml"
    config.write_text((ROOT / "wrangler.toml").read_text() + QUEUE)
    state = folder / "state"
    state.mkdir()
    with serving(state, config, UPSTREAMS=json.dumps(upstream.bases)) as gateway:
        yield gateway


def health(gateway: Gateway) -> dict[str, Any]:
    return httpx.get(f"{gateway.url}/healthz").json()


def test_rows_and_bodies_come_through_the_queue(queued: Gateway) -> None:
    answers = [post(f"{queued.openai}/script/json_answer", json=CHAT) for _ in range(5)]
    ids = {answer.headers["cf-aig-log-id"] for answer in answers}

    # Whoever reads the log has what waits written at once, and not by way of the queue.
    until(lambda: health(queued)["logs"]["waiting"] == 0 or None, "all to be sent")

    def all_there() -> list[dict[str, object]] | None:
        rows = queued.ask("/logs").json()["result"]
        return rows if ids <= {row["id"] for row in rows} else None

    assert len(until(all_there, "the rows", patience=30)) == 5
    log_id = answers[0].headers["cf-aig-log-id"]
    assert json.loads(queued.ask(f"/logs/{log_id}/request").text) == CHAT
    if not SERVE:
        until(lambda: "QUEUE sluice-logs" in queued.printed() or None, "the queue on the console")
    assert queued.ask("/logs").json()["result_info"]["total_count"] == 5


def test_a_long_body_goes_around_the_queue(queued: Gateway) -> None:
    text = json.dumps(CHAT | {"user": "x" * 1_500_000})

    answer = post(
        f"{queued.openai}/script/json_answer",
        content=text.encode(),
        headers={"content-type": "application/json"},
        timeout=60,
    )
    row = queued.row_of(answer)

    def body() -> str | None:
        found = queued.ask(f"/logs/{row['id']}/request")
        return found.text if found.is_success else None

    assert until(body, "the body", patience=30) == text


def test_health_is_as_it_is_without_a_queue(queued: Gateway) -> None:
    told = health(queued)

    assert (told["status"], told["logs"]["lost"]) == ("ok", 0)
