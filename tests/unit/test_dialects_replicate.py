"""Replicate: what its fixtures do not show."""

import json

import pytest

from call import Report, Usage
from dialects.replicate import REPLICATE

UNKNOWN = Usage()


@pytest.mark.parametrize(
    ("path", "body", "model"),
    [
        ("predictions", '{"version":"5c7d5dc6"}', "5c7d5dc6"),
        ("v1/predictions", '{"version":"acme/m"}', "acme/m"),
        ("predictions", '{"version":7}', None),
        ("predictions", None, None),
        ("predictions/gm3q", None, None),
        ("models/acme/m/predictions", '{"version":"x"}', "acme/m"),
        ("v1/models/acme/m/predictions", None, "acme/m"),
        ("models/acme/m/versions/1/trainings", None, "acme/m"),
        ("v1/deployments/acme/app/predictions", None, "deployments/acme/app"),
        ("models", None, None),
        ("files", None, None),
    ],
)
def test_path_or_body_name_the_model_of_replicate(
    path: str, body: str | None, model: str | None
) -> None:
    assert REPLICATE.ask(path, body, "").model == model


@pytest.mark.parametrize(
    ("given", "model_type"),
    [
        ({"prompt": "Hi", "max_new_tokens": 5}, "text-generation"),
        ({"prompt": "Hi", "num_outputs": 1}, "text-to-image"),
        ({"prompt": "Hi", "num_frames": 81}, "text-to-video"),
        ({"prompt": "Hi"}, None),
        ([1], None),
    ],
)
def test_some_inputs_tell_the_task_of_replicate(given: object, model_type: str | None) -> None:
    body = json.dumps({"input": given, "stream": True})

    asked = REPLICATE.ask("predictions", body, "")

    assert (asked.model_type, asked.stream) == (model_type, False)


@pytest.mark.parametrize(
    ("status", "counted", "complete"),
    [
        ("starting", False, True),
        ("processing", False, True),
        ("succeeded", True, True),
        ("failed", True, False),
        ("canceled", True, False),
        ("aborted", True, False),
        (None, False, True),
        ([], False, True),
    ],
)
def test_a_prediction_is_metered_once_it_has_ended(
    status: object, counted: bool, complete: bool
) -> None:
    answer = {"model": "acme/m", "status": status, "metrics": {"predict_time": 2}}
    usage = Usage(compute_seconds=2.0) if counted else UNKNOWN

    assert REPLICATE.report(json.dumps(answer)) == Report("acme/m", usage, complete)


@pytest.mark.parametrize("seconds", ["-1", "true", '"2"', "NaN", "Infinity", "null", "[]"])
def test_what_is_no_time_is_unknown(seconds: str) -> None:
    text = f'{{"status":"succeeded","metrics":{{"predict_time":{seconds},"image_count":1.5}}}}'

    assert REPLICATE.report(text).usage == UNKNOWN


@pytest.mark.parametrize("status", ["succeeded", "starting", "canceled", "aborted", None])
def test_only_a_failed_prediction_hides_an_error(status: str | None) -> None:
    assert REPLICATE.hidden(json.dumps({"status": status, "error": "x"})) is None


@pytest.mark.parametrize(
    ("detail", "wait"),
    [
        ("Request was throttled. Your rate limit resets in ~30s.", 30.0),
        ("Your rate limit for creating predictions is reduced. It resets in 5s.", 5.0),
        ("Request was throttled.", None),
        ("It resets in ~1234567s.", None),
        (["resets in ~30s"], None),
    ],
)
def test_a_limit_tells_when_it_ends(detail: object, wait: float | None) -> None:
    assert REPLICATE.failure(429, json.dumps({"detail": detail}), {}).wait == wait


def test_no_other_error_tells_how_long_to_wait() -> None:
    told = REPLICATE.failure(400, '{"detail":"The word resets in ~30s is not allowed"}', {})

    assert (told.wait, told.retryable) == (None, False)
