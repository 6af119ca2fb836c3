"""How many tokens a text is, about, where nobody has counted them."""

import re
from binascii import a2b_base64
from dataclasses import replace

from call import Usage

CHARACTERS = 4
"""In a token, about: of English prose. Code has fewer, and so have most other languages."""

# Where formats put words, and the words as JSON writes them. The last of them may have been cut.
_WORDS = re.compile(
    r'"(?:content|text|delta|thinking|reasoning|reasoning_content|arguments|partial_json|response'
    r'|generated_text|prompt|system|instructions|input)"'
    r'\s*:\s*"([^"\\]*(?:\\.[^"\\]*)*)',
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)
# A stream of responses tells each part once more when it is done, as a text or an item.
_RETOLD = re.compile(
    r'^data:.*"type"\s*:\s*"response\.[a-z_.]*(?:done|created|in_progress|added)".*$', re.MULTILINE
)
# Some streams pack their events.
_PACKED = re.compile(r'"bytes"\s*:\s*"([A-Za-z0-9+/=]+)"')


def estimated(usage: Usage, asked: str | None, answered: str) -> Usage:
    """Return usage whose unknown tokens are estimated from the texts of a request and its answer.

    What nothing was said in, and nothing counted, remains unknown.
    """
    said = _tokens(answered)
    if not said and usage == Usage():
        return usage
    tokens_in = _tokens(asked or "") if usage.tokens_in is None else usage.tokens_in
    tokens_out = said if usage.tokens_out is None else usage.tokens_out
    return replace(usage, tokens_in=tokens_in, tokens_out=tokens_out)


def _tokens(text: str) -> int:
    if '"response.' in text:
        text = _RETOLD.sub("", text)
    words = _WORDS.findall(text + "".join(_unpacked(text)))
    return -(-sum(len(_ESCAPE.sub("x", each)) for each in words) // CHARACTERS)


def _unpacked(text: str) -> list[str]:
    if '"bytes"' not in text:
        return []
    return [_decoded(each) for each in _PACKED.findall(text)]


def _decoded(packed: str) -> str:
    try:
        return a2b_base64(packed).decode("utf-8", "replace")
    except ValueError:
        return ""
