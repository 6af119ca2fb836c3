"""The official npm package `cloudflare`, unmodified, with another base URL."""

from pathlib import Path
from typing import Any
from uuid import uuid4

from clients.node import answer_of
from clients.rows import only_row
from running import Gateway, post

CHAT = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hello"}]}
PROGRAM = Path(__file__).with_name("cloudflare.mjs")


def run(place: Gateway, scenario: str) -> dict[str, Any]:
    """Return what came of one of the program's scenarios."""
    given = {"origin": place.url, "token": place.admin_token, "gateway": place.name}
    return answer_of(PROGRAM, **given, name=f"sdk-{uuid4().hex[:20]}", scenario=scenario)


def chat(place: Gateway) -> dict[str, Any]:
    """Send a chat through a gateway, and return its row of the log."""
    post(f"{place.openai}/chat/completions", json=CHAT).raise_for_status()
    return only_row(place)


def test_a_gateway_from_its_making_to_its_end(place: Gateway) -> None:
    told = run(place, "gateways")

    assert (told["made"]["cache_ttl"], told["updated"]["cache_ttl"]) == (0, 60)
    assert told["found"] == told["updated"] == told["deleted"]
    assert told["listed"] == [told["found"]]
    assert told["taken"] == ["ConflictError", 409]
    assert told["gone"] == ["NotFoundError", 404]


def test_a_dataset_from_its_making_to_its_end(place: Gateway) -> None:
    told = run(place, "datasets")

    assert told["made"]["filters"] == [{"key": "provider", "operator": "eq", "value": ["openai"]}]
    assert (told["updated"]["name"], told["updated"]["enable"]) == ("Yours", False)
    assert told["found"] == told["updated"] == told["deleted"]
    assert told["listed"] == [told["found"]]
    assert told["gone"] == ["NotFoundError", 404]


def test_an_evaluation_tells_what_the_requests_took(place: Gateway) -> None:
    row = chat(place)

    told = run(place, "evaluations")

    assert [one["id"] for one in told["types"]] == ["cost", "feedback", "speed"]
    results = {one["evaluation_type_id"]: one["result"] for one in told["made"]["results"]}
    assert float(results["speed"]) == row["duration"]
    assert told["found"] == told["made"] == told["deleted"]
    assert told["listed"] == [told["found"]]
    assert told["gone"] == ["NotFoundError", 404]


def test_a_provider_config_is_stored_and_listed(place: Gateway) -> None:
    told = run(place, "configs")

    assert told["made"]["secret_preview"] == "…ngth"
    assert told["listed"] == [told["made"]]


def test_a_custom_provider_from_its_making_to_its_end(place: Gateway) -> None:
    told = run(place, "customs")

    assert told["found"] == told["made"] == told["deleted"]
    assert told["listed"] == [told["found"]]
    assert told["gone"] == ["NotFoundError", 404]


def test_the_url_of_a_provider_is_that_of_the_deployment(place: Gateway) -> None:
    assert run(place, "urls")["url"] == place.openai


def test_the_log_is_listed_and_one_row_is_read_with_its_bodies_and_judged(place: Gateway) -> None:
    row = chat(place)

    told = run(place, "logs")

    assert [one["id"] for one in told["listed"]] == [row["id"]]
    assert told["found"]["provider"] == "openai"
    assert told["request"] == CHAT
    assert told["response"]["choices"][0]["message"]["content"]
    judged = {name: told["edited"][name] for name in ("feedback", "score", "metadata")}
    assert judged == {"feedback": 1, "score": 0.5, "metadata": {"team": "blue"}}


def test_the_log_is_filtered_and_deleted(place: Gateway) -> None:
    row = chat(place)

    told = run(place, "logFilters")

    assert [one["id"] for one in told["found"]] == [row["id"]]
    assert told["missed"] == []
    assert told["refused"] == ["BadRequestError", 400]
    assert [one["id"] for one in told["left"]] == [row["id"]]
    assert told["gone"] == []
