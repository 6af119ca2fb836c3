"""Deepgram: text from speech, and speech from text."""

from dialects.deepgram import DEEPGRAM
from providers.base import Example, Key, Provider


def _socket(path: str, query: str) -> tuple[str, str]:
    return path or "v1/listen", query


PROVIDER = Provider(
    base_url="https://api.deepgram.com",
    docs="https://developers.deepgram.com/reference/deepgram-api-overview",
    dialect=DEEPGRAM,
    # A temporary token is a `Bearer`, which callers may send; what is stored is a key.
    # https://developers.deepgram.com/guides/fundamentals/token-based-authentication
    key=Key(form="Token {}", protocols=("token", "bearer")),
    meters=("characters", "audio_seconds"),
    prices="deepgram",
    example=Example("v1/listen?model=nova-3", '{"url": "https://dpgr.am/spacewalk.wav"}'),
    socket=_socket,
    # https://developers.deepgram.com/reference/manage/keys/create
    secret=("auth/grant", "keys", "credentials"),
)
