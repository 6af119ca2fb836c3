"""ElevenLabs' own SDK, unmodified, with another base URL."""

from collections.abc import Iterator

import httpx
import pytest
from elevenlabs.client import ElevenLabs
from elevenlabs.core.api_error import ApiError

from clients.rows import only_row
from clients.vendor import Answer, Vendor
from running import Gateway

MODEL = "eleven_multilingual_v2"
TEXT = "Grüße 👋"
AUDIO = bytes(range(256)) * 64
BUSY = b'{"detail": {"status": "system_busy", "message": "Try again later"}}'


@pytest.fixture
def client(place: Gateway) -> Iterator[ElevenLabs]:
    with httpx.Client() as http:
        yield ElevenLabs(base_url=f"{place.address}/elevenlabs", api_key="a-key", httpx_client=http)


def test_speech(client: ElevenLabs, place: Gateway, vendor: Vendor) -> None:
    vendor.answers["/text-to-speech/a-voice"] = Answer(AUDIO, "audio/mpeg")

    audio = b"".join(client.text_to_speech.convert("a-voice", text=TEXT, model_id=MODEL))

    assert audio == AUDIO
    assert vendor.asked[0].headers["xi-api-key"] == "a-key"
    row = only_row(place)
    assert (row["provider"], row["model"], row["success"]) == ("elevenlabs", MODEL, True)
    assert row["usage_metadata"]["characters"] == len(TEXT)


def test_speech_as_a_stream(client: ElevenLabs, place: Gateway, vendor: Vendor) -> None:
    billed = {"character-cost": "5"}
    vendor.answers["/text-to-speech/a-voice/stream"] = Answer(AUDIO, "audio/mpeg", headers=billed)

    audio = b"".join(client.text_to_speech.stream("a-voice", text=TEXT, model_id=MODEL))

    assert audio == AUDIO
    row = only_row(place)
    assert (row["provider"], row["model"], row["success"]) == ("elevenlabs", MODEL, True)
    assert row["usage_metadata"]["characters"] == 5


def test_an_error_of_the_provider_is_the_client_s_own_error(
    client: ElevenLabs, place: Gateway, vendor: Vendor
) -> None:
    vendor.answers["/text-to-speech/a-voice"] = Answer(BUSY, status=429)

    with pytest.raises(ApiError) as raised:
        b"".join(client.text_to_speech.convert("a-voice", text=TEXT, model_id=MODEL))

    assert raised.value.status_code == 429
    row = only_row(place)
    assert (row["model"], row["status_code"], row["success"]) == (MODEL, 429, False)
    assert row["provider_error"] == "system_busy"
