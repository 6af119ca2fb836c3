"""Google Vertex AI: models of Google, Anthropic, Mistral and others, in a Google Cloud project."""

import re
from typing import NoReturn

from dialects.vertex import VERTEX
from errors import BadPath
from providers.base import Example, Key, Provider
from signing import service_account

# What becomes part of the host is spelt out: a path must not lead anywhere but to Google.
_PATH = re.compile(
    r"v[0-9][a-z0-9]{0,9}/"
    r"(?:projects/[^/]+/locations/([a-z][a-z0-9]{0,19}(?:-[a-z0-9]{1,20})?)/|publishers/).+"
)

# https://docs.cloud.google.com/vertex-ai/generative-ai/docs/learn/locations
_HOSTS = {
    "global": "aiplatform.googleapis.com",
    "us": "aiplatform.us.rep.googleapis.com",
    "eu": "aiplatform.eu.rep.googleapis.com",
}


def _address(_account: str, path: str) -> str:
    found = _PATH.fullmatch(path) or _refused(path)
    # Express mode names neither project nor location, and has the global host:
    # https://docs.cloud.google.com/vertex-ai/generative-ai/docs/start/express-mode/overview
    location = found[1] or "global"
    return f"https://{_HOSTS.get(location, f'{location}-aiplatform.googleapis.com')}/{path}"


def _refused(path: str) -> NoReturn:
    rule = "Begin with `v1/projects/{project}/locations/{location}/` or, in express mode, with "
    raise BadPath(path, f"{rule}`v1/publishers/`")


PROVIDER = Provider(
    base_url="https://{location}-aiplatform.googleapis.com",
    docs="https://docs.cloud.google.com/vertex-ai/generative-ai/docs/reference/rest",
    dialect=VERTEX,
    key=Key(also=("x-goog-api-key",), parameter="key"),
    # Claude's betas, and which throughput a request draws on:
    # https://docs.cloud.google.com/vertex-ai/generative-ai/docs/use-provisioned-throughput
    headers=("x-goog-*", "x-server-timeout", "x-vertex-ai-*", "anthropic-*"),
    meters=("tokens", "characters", "images"),
    prices="google",
    otel_name="gcp.vertex_ai",
    example=Example(
        "v1/projects/my-project/locations/us-central1/publishers/google/models/"
        "gemini-2.5-flash:generateContent",
        '{"contents": [{"role": "user", "parts": [{"text": "Hello!"}]}]}',
    ),
    address=_address,
    authorize=service_account.authorize,
)
