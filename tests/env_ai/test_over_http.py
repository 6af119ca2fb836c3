"""Workers AI over HTTP, without a token: the gateway's own binding runs the models."""

import json

import httpx
import pytest

from running import Gateway

LLAMA = "@cf/meta/llama-3.1-8b-instruct"
LONG = 65_536 * 255
SAID = "Hello from the stand-in for Workers AI."


def post(bound: Gateway, path: str, **given: object) -> httpx.Response:
    return httpx.post(f"{bound.address}/workers-ai/{path}", timeout=60, **given)  # pyright: ignore[reportArgumentType]


def test_a_chat_streams_in_openai_s_format(bound: Gateway) -> None:
    messages = [{"role": "user", "content": "Hi"}]
    asked = {"model": LLAMA, "messages": messages, "stream": True}

    answer = post(bound, "v1/chat/completions", json=asked)

    assert answer.headers["content-type"].startswith("text/event-stream")
    *events, last = [each.removeprefix("data: ") for each in answer.text.strip().split("\n\n")]
    chunks = [json.loads(event)["choices"][0] for event in events]
    assert "".join(chunk["delta"].get("content") or "" for chunk in chunks) == SAID
    assert (chunks[-1]["finish_reason"], last) == ("stop", "[DONE]")
    row = bound.row_of(answer)
    assert (row["model"], row["tokens_in"], row["tokens_out"]) == (LLAMA, 12, 9)


def test_an_image_comes_out_as_its_bytes(bound: Gateway) -> None:
    answer = post(bound, "@cf/stub-image", json={"prompt": "A cat"})

    assert answer.headers["content-type"] == "image/png"
    assert answer.content == bytes([0x89, 0x50, 0x4E, 0x47, 0, 255])
    assert bound.row_of(answer)["success"] is True


def test_speech_comes_out_as_its_bytes(bound: Gateway) -> None:
    answer = post(bound, "run/@cf/stub-speech", json={"text": "Hi"})

    assert answer.headers["content-type"] == "audio/mpeg"
    assert answer.content == bytes([0xFF, 0xFB, 0x90, 0])
    assert bound.row_of(answer)["success"] is True


@pytest.mark.parametrize("content", [b"x" * 1000, b"x" * 10_000_001], ids=["short", "long"])
def test_bytes_go_in_as_what_they_are_said_to_be(bound: Gateway, content: bytes) -> None:
    headers = {"content-type": "audio/mpeg"}

    answer = post(bound, "@cf/openai/whisper", content=content, headers=headers)

    said = f"audio: {len(content)} bytes of audio/mpeg"
    assert answer.json()["result"] == {"text": said}


def test_bytes_of_no_named_type_are_refused_with_what_to_do(bound: Gateway) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}

    answer = post(bound, "@cf/openai/whisper", content=b"\xff\xfb\x90", headers=headers)

    assert answer.status_code == 400
    assert "content-type: audio/mpeg" in answer.json()["error"][0]["message"]


@pytest.mark.parametrize("path", [LLAMA, "v1/chat/completions"])
def test_json_of_more_than_10_mb_is_refused(bound: Gateway, path: str) -> None:
    # Chunked, and read to its last byte when it is known to be too long: wrangler fails where an
    # answer comes before the request has ended.
    text = json.dumps({"model": LLAMA, "prompt": "Hi"}).encode().rjust(LONG)

    answer = post(bound, path, content=iter([text]), headers={"content-type": "application/json"})

    assert answer.status_code == 400
    assert "of more than 10 MB" in answer.json()["error"][0]["message"]
