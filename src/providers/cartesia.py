"""Cartesia: speech from text, and text from speech."""

from dialects.cartesia import CARTESIA
from providers.base import Example, Key, Provider


def _socket(path: str, query: str) -> tuple[str, str]:
    return path or "tts/websocket", query


PROVIDER = Provider(
    base_url="https://api.cartesia.ai",
    docs="https://docs.cartesia.ai/use-the-api/compare-tts-endpoints",
    dialect=CARTESIA,
    # Browsers cannot give a WebSocket headers: https://docs.cartesia.ai/api-reference/tts/websocket
    key=Key("x-api-key", "{}", also=("authorization",), parameter="api_key"),
    headers=("cartesia-*",),
    meters=("characters", "audio_seconds"),
    example=Example(
        "tts/bytes",
        '{"model_id": "sonic-3.5", "transcript": "Hello!", '
        '"voice": {"mode": "id", "id": "e07c00bc-4134-4eae-9ea4-1a55fb45746b"}, '
        '"output_format": {"container": "wav", "encoding": "pcm_s16le", "sample_rate": 44100}}',
        ("cartesia-version: 2026-03-01",),
    ),
    socket=_socket,
    # https://docs.cartesia.ai/2026-03-01/api-reference/auth/access-token
    secret=("access-token",),
)
