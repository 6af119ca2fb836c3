"""aimock: a second mock of the vendors' APIs, which speaks formats that llmock does not."""

import base64
import contextlib
import json
import subprocess
from collections.abc import Generator
from pathlib import Path

import httpx

from running import until
from serve.listening import free_port
from wrangler import BIN, ENVIRONMENT, ROOT

USAGE = {"prompt_tokens": 11, "completion_tokens": 7}
"""What every answer reports, in the words of its format."""
SAID = "Grüße 👋, this is all that the mock has to say."
SPEECH = b"ID3\x04\x00\x00\x00\x00\x00"
OVERLOADED = "Please be overloaded"
"""The message that is answered with an error."""

_ERROR = {"message": "Slow down", "type": "rate_limit_error"}
_IMAGES = {"images": [{"url": "https://images.test/1.png", "width": 64, "height": 64}], "seed": 1}
# The first one that matches answers.
_FIXTURES = [
    {
        "match": {"userMessage": OVERLOADED},
        "response": {"error": _ERROR, "status": 429, "retryAfter": 3},
    },
    {
        "match": {"endpoint": "elevenlabs-tts"},
        "response": {"audio": base64.b64encode(SPEECH).decode()},
    },
    {"match": {"endpoint": "fal"}, "response": {"json": _IMAGES}},
    {
        "match": {"userMessage": "Hello"},
        "response": {"content": SAID, "usage": USAGE},
    },
]


@contextlib.contextmanager
def mocking(folder: Path) -> Generator[str, None, None]:
    """Run the mock until the block ends, and yield its address."""
    port = free_port()
    fixtures = folder / "fixtures.json"
    fixtures.write_text(json.dumps({"fixtures": _FIXTURES}))
    program = ROOT / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
    command = [BIN / "node", program, "--port", str(port), "--fixtures", fixtures]
    with (folder / "aimock.log").open("w") as output:
        mock = subprocess.Popen(command, env=ENVIRONMENT, stdout=output, stderr=output)
    try:
        url = f"http://127.0.0.1:{port}"
        until(lambda: _ready(mock, url, folder), "aimock", patience=60)
        yield url
    finally:
        mock.terminate()
        mock.wait()


def _ready(mock: "subprocess.Popen[bytes]", url: str, folder: Path) -> bool | None:
    assert mock.poll() is None, (folder / "aimock.log").read_text()
    try:
        return httpx.get(f"{url}/health").is_success or None
    except httpx.TransportError:
        return None
