"""Tokens of a kind that may have a price of its own: of sound, of pictures, kept for an hour."""

import json
from typing import Any

import pytest

from call import Usage
from providers import PROVIDERS

CHAT = {
    "prompt_tokens": 90,
    "completion_tokens": 40,
    "prompt_tokens_details": {"audio_tokens": 30, "image_tokens": 5, "cached_tokens": 9},
    "completion_tokens_details": {"audio_tokens": 20, "reasoning_tokens": 0},
}
REALTIME = {
    "input_tokens": 90,
    "output_tokens": 40,
    "input_token_details": {
        "audio_tokens": 30,
        "cached_tokens": 12,
        "cached_tokens_details": {"audio_tokens": 8, "image_tokens": 1, "text_tokens": 3},
    },
}
MESSAGES = {
    "input_tokens": 5,
    "output_tokens": 4,
    "cache_read_input_tokens": 0,
    "cache_creation_input_tokens": 30,
    "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
}
GEMINI = {
    "promptTokenCount": 90,
    "candidatesTokenCount": 40,
    "promptTokensDetails": [
        {"modality": "TEXT", "tokenCount": 50},
        {"modality": "AUDIO", "tokenCount": 30},
        {"modality": "IMAGE", "tokenCount": 6},
        {"modality": "VIDEO", "tokenCount": 4},
    ],
    "cachedContentTokenCount": 9,
    "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 7}],
    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 38}],
}
CONVERSE = {
    "inputTokens": 5,
    "outputTokens": 4,
    "cacheWriteInputTokens": 30,
    "cacheDetails": [{"ttl": "5m", "inputTokens": 10}, {"ttl": "1h", "inputTokens": 20}],
}


@pytest.mark.parametrize(
    ("slug", "answer", "expected"),
    [
        (
            "openai",
            {"usage": CHAT},
            Usage(90, 40, 9, reasoning=0, audio_in=30, audio_out=20, image_in=5),
        ),
        (
            "openai",
            {"usage": REALTIME},
            Usage(90, 40, 12, audio_in=30, cached_audio=8, cached_image=1),
        ),
        ("anthropic", {"type": "message", "usage": MESSAGES}, Usage(35, 4, 0, 30, None, 20)),
        (
            "google-ai-studio",
            {"usageMetadata": GEMINI},
            Usage(90, 40, 9, audio_in=30, image_in=6, video_in=4, image_out=38, cached_audio=7),
        ),
        ("aws-bedrock", {"usage": CONVERSE}, Usage(35, 4, None, 30, None, 20)),
    ],
)
def test_tokens_of_a_kind_are_told_apart(slug: str, answer: Any, expected: Usage) -> None:
    assert PROVIDERS[slug].dialect.report(json.dumps(answer)).usage == expected


@pytest.mark.parametrize("slug", sorted(PROVIDERS))
def test_details_of_another_shape_are_nothing(slug: str) -> None:
    odd: dict[str, Any] = {
        "usage": {
            "prompt_tokens": 1,
            "prompt_tokens_details": {"cached_tokens_details": 7, "audio_tokens": "x"},
            "cache_creation": [],
            "cacheDetails": {"ttl": 7},
        },
        "usageMetadata": {"promptTokenCount": 1, "promptTokensDetails": [7, {"modality": "AUDIO"}]},
    }

    told = PROVIDERS[slug].dialect.report(json.dumps(odd)).usage

    assert (told.audio_in, told.cached_audio, told.cache_write_1h) == (None, None, None)
