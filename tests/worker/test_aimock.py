"""More vendors, as a second mock of their APIs speaks, on the real runtime."""

import json
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from dialects import eventstream
from running import Gateway, post
from worker.aimock import OVERLOADED, SAID, SPEECH, USAGE
from worker.scripted import PLAY

FRAMES = "application/vnd.amazon.eventstream"
EVENTS = "text/event-stream"
STREAM = {"stream": True, "stream_options": {"include_usage": True}}
GEMINI = "v1beta/models/m-1:generateContent"
GEMINI_STREAM = "v1beta/models/m-1:streamGenerateContent?alt=sse"
AZURE = "resource/m-1/chat/completions?api-version=2024-10-21"
BEDROCK = "bedrock-runtime/us-east-1/model/m-1"
VERTEX = "v1/projects/p/locations/us-central1/publishers/google/models/m-1"


def chat(message: str) -> dict[str, Any]:
    return {"model": "m-1", "max_tokens": 50, "messages": [{"role": "user", "content": message}]}


def contents(message: str) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": message}]}]}


def converse(message: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"text": message}]}]}


def claude(message: str) -> dict[str, Any]:
    return {"anthropic_version": "bedrock-2023-05-31"} | chat(message)


@dataclass(frozen=True)
class Case:
    """A request, of whose answer the mock reports the tokens."""

    slug: str
    path: str
    body: dict[str, Any]
    kind: str = "application/json"

    def __str__(self) -> str:
        return f"{self.slug}-{self.path.rpartition('/')[2]}-{self.kind.rpartition('/')[2]}"


CASES = [
    Case("openai", "chat/completions", chat("Hello")),
    Case("openai", "chat/completions", chat("Hello") | STREAM, EVENTS),
    Case("openai", "responses", {"model": "m-1", "input": "Hello"}),
    Case("openai", "responses", {"model": "m-1", "input": "Hello", "stream": True}, EVENTS),
    Case("anthropic", "v1/messages", chat("Hello")),
    Case("anthropic", "v1/messages", chat("Hello") | {"stream": True}, EVENTS),
    Case("google-ai-studio", GEMINI, contents("Hello")),
    Case("google-ai-studio", GEMINI_STREAM, contents("Hello"), EVENTS),
    Case("google-vertex-ai", f"{VERTEX}:generateContent", contents("Hello")),
    Case("google-vertex-ai", f"{VERTEX}:streamGenerateContent?alt=sse", contents("Hello"), EVENTS),
    Case("aws-bedrock", f"{BEDROCK}/converse", converse("Hello")),
    Case("aws-bedrock", f"{BEDROCK}/converse-stream", converse("Hello"), FRAMES),
    Case("aws-bedrock", f"{BEDROCK}/invoke", claude("Hello")),
    Case("cohere", "v2/chat", chat("Hello")),
    Case("cohere", "v2/chat", chat("Hello") | {"stream": True}, EVENTS),
    Case("azure-openai", AZURE, chat("Hello")),
    Case("azure-openai", AZURE, chat("Hello") | STREAM, EVENTS),
    Case("grok", "v1/chat/completions", chat("Hello")),
    Case("groq", "chat/completions", chat("Hello") | STREAM, EVENTS),
    Case("mistral", "v1/chat/completions", chat("Hello") | STREAM, EVENTS),
    Case("openrouter", "v1/chat/completions", chat("Hello")),
    Case("openrouter", "v1/chat/completions", chat("Hello") | STREAM, EVENTS),
]
# With the path that the vendor itself has.
ERRORS = [
    (Case("openai", "chat/completions", chat(OVERLOADED)), "v1/chat/completions"),
    (Case("anthropic", "v1/messages", chat(OVERLOADED) | {"stream": True}), "v1/messages"),
    (Case("google-ai-studio", GEMINI, contents(OVERLOADED)), GEMINI),
    (Case("aws-bedrock", f"{BEDROCK}/converse", converse(OVERLOADED)), "model/m-1/converse"),
    (Case("aws-bedrock", f"{BEDROCK}/invoke", claude(OVERLOADED)), "model/m-1/invoke"),
    (Case("cohere", "v2/chat", chat(OVERLOADED)), "v2/chat"),
    (Case("azure-openai", AZURE, chat(OVERLOADED)), "openai/deployments/m-1/chat/completions"),
]
KEYS = dict.fromkeys(("x-api-key", "x-goog-api-key", "api-key", "xi-api-key"), "k")


def send(gateway: Gateway, case: Case, **more: str) -> httpx.Response:
    url = f"{gateway.address}/{case.slug}/{case.path}"
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return post(url, json=case.body, headers={PLAY: "aimock", **KEYS, **named}, timeout=30)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_answer_is_metered_as_the_mock_reports_it(
    gateway: Gateway, aimock: str, case: Case
) -> None:
    response = send(gateway, case)

    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith(case.kind)
    row = gateway.row_of(response)
    assert (row["provider"], row["model"], row["success"]) == (case.slug, "m-1", True)
    assert (row["tokens_in"], row["tokens_out"]) == tuple(USAGE.values())
    assert row["response_size"] == len(response.content)


@pytest.mark.parametrize("attempts", ["1", "2"])
@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("converse-stream", converse("Hello")),
        # The mock does not wrap the events of the model as AWS does: they pass, and mean nothing.
        ("invoke-with-response-stream", claude("Hello")),
    ],
)
def test_the_frames_of_bedrock_pass_whole(
    gateway: Gateway, aimock: str, name: str, body: dict[str, Any], attempts: str
) -> None:
    case = Case("aws-bedrock", f"{BEDROCK}/{name}", body, FRAMES)

    response = send(gateway, case, cf_aig_max_attempts=attempts)

    # Each frame has checksums of its own: one byte that is changed ends the text there.
    events = eventstream.text(response.content)
    data = [line.removeprefix("data: ") for line in events.splitlines() if line[:5] == "data:"]
    said = "".join(json.loads(event).get("delta", {}).get("text", "") for event in data)
    assert said == SAID
    assert gateway.row_of(response)["response_head"] == events


@pytest.mark.parametrize(("case", "path"), ERRORS, ids=str)
def test_an_error_is_passed_on_as_the_mock_tells_it(
    gateway: Gateway, aimock: str, case: Case, path: str
) -> None:
    told = httpx.post(f"{aimock}/{path}", json=case.body)

    response = send(gateway, case)

    assert (response.status_code, response.content) == (429, told.content)
    assert response.headers["retry-after"] == "3"
    row = gateway.row_of(response)
    assert (row["status_code"], row["success"], row["error_code"]) == (429, False, None)


def test_speech_of_elevenlabs_passes_byte_for_byte(gateway: Gateway, aimock: str) -> None:
    case = Case("elevenlabs", "v1/text-to-speech/a-voice", {"text": "Hello", "model_id": "m-1"})

    response = send(gateway, case)

    assert response.content == SPEECH
    row = gateway.row_of(response)
    assert (row["provider"], row["model"], row["success"]) == ("elevenlabs", "m-1", True)
    assert row["tokens_in"] is None


def test_images_of_fal_are_counted(gateway: Gateway, aimock: str) -> None:
    response = send(gateway, Case("fal", "fal-ai/fast-sdxl", {"prompt": "A cat"}))

    assert len(response.json()["images"]) == 1
    row = gateway.row_of(response)
    assert (row["model"], row["usage_metadata"]["images"]) == ("fal-ai/fast-sdxl", 1)
