"""ElevenLabs: speech from text, and text from speech."""

from dialects.elevenlabs import ELEVENLABS
from providers.base import Example, Key, Provider


def _socket(path: str, query: str) -> tuple[str, str]:
    # https://elevenlabs.io/docs/agents-platform/api-reference/agents-platform/websocket
    return path or "v1/convai/conversation", query


PROVIDER = Provider(
    base_url="https://api.elevenlabs.io",
    docs="https://elevenlabs.io/docs/api-reference/introduction",
    dialect=ELEVENLABS,
    key=Key("xi-api-key", "{}", protocol="xi-api-key."),
    meters=("characters", "audio_seconds"),
    prices="elevenlabs",
    example=Example(
        "v1/text-to-speech/JBFqnCBsd6RMkjVDRZzb",
        '{"text": "Hello!", "model_id": "eleven_multilingual_v2"}',
    ),
    socket=_socket,
    # The last one shows the key of the account.
    secret=(
        "single-use-token",
        "get-signed-url",
        "get_signed_url",
        "conversation/token",
        "api-keys",
        "convai/secrets",
        "workspace/webhooks",
        "v1/user",
    ),
)
