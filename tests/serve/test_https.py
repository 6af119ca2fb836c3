"""TLS on both sides: it speaks it where it is given a certificate, and knows whom to trust."""

import json
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from certificates import Certified, certified
from running import ROOT, open_default, post, started, until
from serve.listening import free_port
from worker.scripts import CHAT


def test_it_answers_https_with_the_certificate_it_is_given(
    tmp_path: Path, command: list[str | Path]
) -> None:
    own = certified(tmp_path)
    port, state = free_port(), tmp_path / "state"
    variables = {"PORT": str(port), "STATE": str(state), "PYTHONPATH": str(ROOT / "tools")}
    files = {"TLS_CERT": str(own.certificate), "TLS_KEY": str(own.key)}
    with (tmp_path / "printed").open("w") as output:
        server = subprocess.Popen(command, env=os.environ | variables | files, stdout=output)
    trusted = ssl.create_default_context(cafile=own.authority)

    def answer() -> httpx.Response | None:
        assert server.poll() is None
        try:
            return httpx.get(f"https://127.0.0.1:{port}/healthz", verify=trusted, timeout=30)
        except httpx.TransportError:
            return None

    try:
        assert until(answer, "an answer", patience=60).json()["status"] == "ok"
    finally:
        server.terminate()
        server.wait(40)
    assert f"https://127.0.0.1:{port}" in (tmp_path / "printed").read_text()


class Provider(BaseHTTPRequestHandler):
    """Answers every request with a chat."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(CHAT)))
        self.end_headers()
        self.wfile.write(CHAT)

    def log_message(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Say nothing."""


@pytest.fixture
def own(tmp_path: Path) -> Certified:
    (tmp_path / "provider").mkdir()
    return certified(tmp_path / "provider")


@pytest.fixture
def provider(own: Certified) -> Iterator[str]:
    """Run a provider whose certificate is signed by nobody whom everybody trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certificate, own.key)
    with HTTPServer(("127.0.0.1", 0), Provider) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


@pytest.mark.parametrize("trusted", [True, False])
def test_a_provider_in_the_network_is_trusted_where_its_authority_is_named(
    tmp_path: Path, command: list[str | Path], own: Certified, provider: str, trusted: bool
) -> None:
    authority = {"UPSTREAM_CA": str(own.authority)} if trusted else {}
    upstreams = json.dumps({"openai": provider})
    with started(command, tmp_path, UPSTREAMS=upstreams, **authority) as (gateway, _):
        open_default(gateway)
        answer = post(f"{gateway.openai}/chat/completions", json={"model": "m"}, timeout=30)

    assert answer.status_code == (200 if trusted else 502)
    assert (answer.content == CHAT) == trusted
