"""The provider of `make demo`: llmock, a mock of the vendors' APIs, on a free port."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import httpx

from serve.listening import free_port

READY_S = 30


@contextlib.contextmanager
def demo_provider(log: Path) -> Generator[str, None, None]:
    """Run llmock, and yield the base URL at which it answers as OpenAI does."""
    port = free_port()
    llmock = Path(sys.executable).with_name("llmock")
    with log.open("w") as output:
        mock = subprocess.Popen(
            [llmock, "serve", "--host", "127.0.0.1", "--port", str(port)],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}/health", mock)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        mock.terminate()
        mock.wait()


def _wait_until_ready(url: str, mock: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + READY_S
    while mock.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url).is_success:
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            mock.wait(0.1)
    sys.exit("demo: llmock did not start")
