"""Replicate's own SDK, unmodified, with another base URL."""

import json
from collections.abc import Iterator

import httpx
import pytest
from replicate.client import Client
from replicate.exceptions import ModelError, ReplicateError
from replicate.prediction import Prediction

from clients.rows import only_row, rows
from clients.vendor import Answer, Vendor
from running import Gateway

MODEL = "meta/meta-llama-3-8b-instruct"
GIVEN = {"prompt": "Hello", "max_tokens": 50}
METRICS = {"predict_time": 0.5, "input_token_count": 11, "output_token_count": 7}


def prediction(status: str, **more: object) -> Answer:
    told = {
        "id": "p-1",
        "model": MODEL,
        "version": "v-1",
        "status": status,
        "input": GIVEN,
        "output": None,
        "logs": "",
        "error": None,
        "created_at": "2026-01-01T00:00:00Z",
        **more,
    }
    return Answer(json.dumps(told).encode(), status=201 if status == "starting" else 200)


SUCCEEDED = prediction("succeeded", output=["Hel", "lo"], metrics=METRICS)


@pytest.fixture
def client(place: Gateway) -> Iterator[Client]:
    with httpx.HTTPTransport() as transport:
        client = Client("r8_test", base_url=f"{place.address}/replicate", transport=transport)
        client.poll_interval = 0.01
        yield client


def create(client: Client, *, wait: bool = False) -> Prediction:
    return client.models.predictions.create(model=MODEL, input=GIVEN, wait=wait)


def test_a_prediction_that_is_waited_for(client: Client, place: Gateway, vendor: Vendor) -> None:
    vendor.answers["/predictions"] = SUCCEEDED

    made = create(client, wait=True)

    assert (made.status, made.output) == ("succeeded", ["Hel", "lo"])
    (asked,) = vendor.asked
    assert asked.path == f"/v1/models/{MODEL}/predictions"
    assert (asked.headers["prefer"], asked.headers["authorization"]) == ("wait", "Bearer r8_test")
    row = only_row(place)
    assert (row["provider"], row["model"], row["success"]) == ("replicate", MODEL, True)
    assert (row["tokens_in"], row["tokens_out"]) == (11, 7)
    assert row["usage_metadata"]["compute_seconds"] == 0.5


def test_a_prediction_that_is_asked_for_again(
    client: Client, place: Gateway, vendor: Vendor
) -> None:
    vendor.answers |= {"/predictions": prediction("starting"), "/predictions/p-1": SUCCEEDED}
    made = create(client)

    made.wait()

    assert made.status == "succeeded"
    first, second = rows(place, 2)
    assert (first["tokens_out"], second["tokens_out"]) == (None, 7)
    assert (second["model"], second["success"]) == (MODEL, True)


def test_a_stream_is_read_past_the_gateway(client: Client, place: Gateway, vendor: Vendor) -> None:
    events = b"event: output\nid: 1\ndata: Hello\n\nevent: done\nid: 2\ndata: {}\n\n"
    urls = {"stream": f"{vendor.url}/stream/p-1", "get": "", "cancel": ""}
    vendor.answers |= {
        "/predictions": prediction("starting", urls=urls),
        "/stream/p-1": Answer(events, "text/event-stream"),
    }

    said = "".join(str(event) for event in client.stream(MODEL, input=GIVEN))

    assert said == "Hello"
    assert only_row(place)["success"] is True


def test_a_prediction_that_failed_is_the_client_s_own_error(
    client: Client, place: Gateway, vendor: Vendor
) -> None:
    vendor.answers["/predictions"] = prediction("failed", error="Out of memory")

    with pytest.raises(ModelError, match="Out of memory"):
        client.run(MODEL, input=GIVEN)

    row = only_row(place)
    assert (row["status_code"], row["success"]) == (200, False)


def test_an_error_of_the_provider_is_the_client_s_own_error(
    client: Client, place: Gateway, vendor: Vendor
) -> None:
    problem = b'{"title": "Input validation failed", "detail": "No prompt", "status": 422}'
    vendor.answers["/predictions"] = Answer(problem, "application/problem+json", 422)

    with pytest.raises(ReplicateError) as raised:
        create(client)

    assert (raised.value.status, raised.value.detail) == (422, "No prompt")
    row = only_row(place)
    assert (row["model"], row["status_code"], row["success"]) == (MODEL, 422, False)
    assert row["provider_error"] == "Input validation failed"
