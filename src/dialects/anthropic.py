"""What Anthropic speaks: messages, and OpenAI's format on a path of its own.

https://platform.claude.com/docs/en/api/overview, https://platform.claude.com/docs/en/api/openai-sdk
"""

from call import COUNTING, Ask, Failure
from dialects import messages, openai
from dialects.base import Dialect, ask_in_body

_MESSAGES = "v1/messages/"
# https://platform.claude.com/docs/en/build-with-claude/token-counting
_COUNTING = "v1/messages/count_tokens"
_OPENAI = "v1/chat/completions"


def ask(path: str, body: str | None, _query: str = "") -> Ask:
    """Return what a request wants."""
    if path == _OPENAI:
        return openai.ask(path, body)
    if path == _COUNTING:
        return ask_in_body(body, COUNTING)
    model_type = "text-generation" if f"{path}/".startswith(_MESSAGES) else None
    return ask_in_body(body, model_type)


# Whoever reads answers in OpenAI's format knows messages by their shape, since several vendors
# speak both.
report = openai.report
stream_report = openai.stream_report
# Both formats have an error's type and message in the same places.
failure = messages.failure


def hidden(text: str) -> Failure | None:
    """Return the error that an answer of status 200 holds instead of words."""
    return messages.hidden(text) or openai.hidden(text)


ANTHROPIC = Dialect(
    ask=ask, report=report, stream_report=stream_report, failure=failure, hidden=hidden
)
