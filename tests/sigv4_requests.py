"""A request to AWS, and what its signature is made with."""

from collections.abc import Mapping

from ports import Body, Outgoing
from signing.sigv4 import Credentials

# 22 November 2026, 07:00:00 UTC.
NOW = 1_795_330_800
BODY = '{"messages": [{"role": "user", "content": [{"text": "hi"}]}]}'
JSON = {"content-type": "application/json"}
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
WHO = Credentials("AKIDEXAMPLE", SECRET)
HOST = "bedrock-runtime.us-east-1.amazonaws.com"
CLAUDE = "model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse"


def outgoing(
    path: str = CLAUDE,
    headers: Mapping[str, str] = JSON,
    body: Body | None = None,
    method: str = "POST",
) -> Outgoing:
    return Outgoing(method, f"https://{HOST}/{path}", HOST, headers, body)


def signature(headers: Mapping[str, str]) -> str:
    return headers["authorization"].rpartition("Signature=")[2]
