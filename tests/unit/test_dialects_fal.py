"""Fal: what its fixtures do not show."""

import json

import pytest

from call import Ask, Failure, Report, Usage
from dialects.fal import FAL


def events(*payloads: object) -> str:
    return "".join(f"data: {json.dumps(payload)}\n\n" for payload in payloads)


@pytest.mark.parametrize(
    ("path", "model", "stream"),
    [
        ("fal-ai/fast-sdxl", "fal-ai/fast-sdxl", False),
        ("fal-ai/flux/dev", "fal-ai/flux/dev", False),
        ("fal-ai/flux/dev/stream", "fal-ai/flux/dev", True),
        ("fal-ai/flux/dev/stream/", "fal-ai/flux/dev", True),
        ("fal-ai/flux/requests/1", "fal-ai/flux", False),
        ("fal-ai/flux/requests/1/cancel", "fal-ai/flux", False),
        ("fal-ai/flux/requests/1/status", "fal-ai/flux", False),
        ("fal-ai/flux/requests/1/status/stream", "fal-ai/flux", True),
        ("fal-ai/flux/status", "fal-ai/flux", False),
        ("fal-ai/streamdiffusion", "fal-ai/streamdiffusion", False),
        ("fal-ai/requests-model", "fal-ai/requests-model", False),
        ("fal-ai%2Fflux/%73tream", "fal-ai/flux", True),
        ("", None, False),
    ],
)
def test_the_path_names_the_model_of_fal(path: str, model: str | None, stream: bool) -> None:
    assert FAL.ask(path, None, "") == Ask(model, None, stream)


@pytest.mark.parametrize(
    ("path", "body", "model_type"),
    [
        ("fal-ai/kling-video/v1/standard/text-to-video", "{}", "text-to-video"),
        ("fal-ai/veo3/image-to-video", "{}", "text-to-video"),
        ("fal-ai/flux/dev/image-to-image", "{}", "text-to-image"),
        ("fal-ai/whisper", '{"audio_url":"https://x.test/a.mp3"}', "automatic-speech-recognition"),
        ("fal-ai/any-llm/stream", '{"prompt":"Hi"}', "text-generation"),
        ("fal-ai/fast-sdxl", '{"num_images":1}', "text-to-image"),
        ("fal-ai/fast-sdxl", '{"image_size":"square"}', "text-to-image"),
        ("fal-ai/fast-sdxl", '{"prompt":"a cat"}', None),
        ("fal-ai/fast-sdxl", "[]", None),
        ("fal-ai/fast-sdxl", None, None),
    ],
)
def test_name_or_input_tell_the_task_of_fal(
    path: str, body: str | None, model_type: str | None
) -> None:
    assert FAL.ask(path, body, "").model_type == model_type


@pytest.mark.parametrize(
    ("answer", "images"),
    [
        ({"images": [{"url": "a"}, {"url": "b"}]}, 2),
        ({"images": ["data:image/png;base64,AA"]}, 1),
        ({"images": []}, 0),
        ({"image": {"url": "a"}}, 1),
        ({"image": "a", "images": None}, None),
        ({"video": {"url": "a"}}, None),
        ({"images": 3}, None),
    ],
)
def test_images_of_fal_are_counted(answer: object, images: int | None) -> None:
    assert FAL.report(json.dumps(answer)) == Report(usage=Usage(images=images))


@pytest.mark.parametrize(
    ("stream", "complete"),
    [
        (events({"images": [{"url": "a"}]}), True),
        (events({"output": "H", "partial": True}, {"output": "Hi", "partial": False}), True),
        (events({"output": "Hi", "error": None}), True),
        (events({"seed": 1, "error": 0.02}), True),
        (events({"output": "H", "partial": True}), False),
        (events({"progress": 0.5}), False),
        (events({"output": "H"}, {"error": "it broke"}), False),
        (events({"error": {"message": "it broke"}}), False),
        (events({"error_type": "runner_disconnected"}), False),
        (events({"detail": [{"msg": "it broke", "loc": ["body"], "type": "x"}]}), False),
        (events({"output": "Hi"})[:-6], False),
        (events("text"), False),
        (": ping\n\n", False),
        ("", False),
    ],
)
def test_a_stream_of_fal_ends_with_its_output(stream: str, complete: bool) -> None:
    assert FAL.stream_report(stream).complete is complete


def test_the_last_event_of_fal_alone_is_counted() -> None:
    stream = events({"images": [{"url": "a"}]}, {"images": [{"url": "b"}, {"url": "c"}]})

    assert FAL.stream_report(stream).usage == Usage(images=2)


def test_a_stream_of_a_chat_at_fal_needs_its_last_word() -> None:
    chunk: dict[str, object] = {
        "object": "chat.completion.chunk",
        "model": "google/gemini-2.5-flash",
        "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2},
    }
    used = Usage(tokens_in=3, tokens_out=2)

    told = [FAL.stream_report(events(chunk) + end) for end in ("", "data: [DONE]\n\n")]

    assert [report.complete for report in told] == [False, True]
    assert [report.usage for report in told] == [used, used]


@pytest.mark.parametrize(
    ("status", "headers", "retryable"),
    [
        (408, {}, True),
        (409, {}, True),
        (429, {"x-fal-request-id": "1"}, True),
        (500, {}, False),
        (501, {}, False),
        (502, {}, True),
        (503, {}, True),
        (504, {}, True),
        (502, {"x-fal-request-id": "1"}, False),
        (503, {"x-fal-request-id": "1"}, False),
        (504, {"x-fal-request-id": "1"}, False),
        (504, {"x-fal-request-timeout-type": "user"}, False),
        (504, {"x-fal-request-timeout-type": "user", "x-fal-retryable": "true"}, False),
        (503, {"x-fal-request-timeout-type": "user"}, True),
        (503, {"x-fal-request-id": "1", "x-fal-retryable": "true"}, True),
        (500, {"x-fal-retryable": "True"}, True),
        (503, {"x-fal-retryable": "false"}, False),
        (503, {"x-fal-retryable": "perhaps"}, True),
        (422, {}, False),
    ],
)
def test_fal_is_tried_again_where_nothing_can_have_begun(
    status: int, headers: dict[str, str], retryable: bool
) -> None:
    assert FAL.failure(status, "{}", headers).retryable is retryable


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"detail": []}, None, None),
        ({"detail": ["x"]}, None, None),
        ({"detail": [{"msg": "m"}]}, None, "m"),
        ({"detail": [{"msg": "m", "loc": ["body", 0], "type": "t"}]}, "t", "body.0: m"),
        ({"detail": "d", "error_type": "t"}, "t", "d"),
        ({"error": {"message": "m"}}, None, "m"),
        ({"error": "e"}, None, "e"),
        ({"detail": 1}, None, None),
    ],
)
def test_both_forms_of_an_error_of_fal_are_read(
    body: object, code: str | None, message: str | None
) -> None:
    assert FAL.failure(400, json.dumps(body), {}) == Failure(code, message, retryable=False)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"status":"COMPLETED"}',
        '{"output":"","error":null}',
        '{"error":0.5}',
        '{"detail":"high"}',
        events({"output": "H", "partial": True}),
        "\x89PNG",
    ],
)
def test_an_output_of_fal_hides_no_error(text: str) -> None:
    assert FAL.hidden(text) is None
