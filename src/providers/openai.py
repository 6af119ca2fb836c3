"""OpenAI."""

from dialects.openai import OPENAI
from providers.base import Key, Provider, chat


def _socket(path: str, query: str) -> tuple[str, str]:
    # https://developers.openai.com/api/docs/guides/realtime-websocket
    return path or "realtime", query


PROVIDER = Provider(
    base_url="https://api.openai.com/v1",
    docs="https://developers.openai.com/api/reference",
    dialect=OPENAI,
    prefixes=("v1",),
    key=Key(protocols=("openai-insecure-api-key.",)),
    headers=("openai-*",),
    meters=("tokens", "characters", "audio_seconds", "images", "searches"),
    prices="openai",
    example=chat("chat/completions", "gpt-5-mini"),
    socket=_socket,
    # https://developers.openai.com/api/reference/resources/organization
    secret=(
        "admin_api_keys",
        "service_accounts",
        "client_secrets",
        "realtime/sessions",
        "realtime/transcription_sessions",
        "chatkit/sessions",
    ),
)
