"""What `make serve` makes of the environment and of `wrangler.toml`, before anything runs."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from certificates import certified
from deployment import SHORTEST_SECRET, VARIABLES
from serve.capnp_text import embed, written
from serve.config import configuration
from serve.options import Options
from serve.settings import SECRETS, SHORTEST, Settings

ROOT = Path(__file__).resolve().parents[2]
WRANGLER: dict[str, Any] = tomllib.loads((ROOT / "wrangler.toml").read_text())


def options(**more: Any) -> Options:
    return Options(WRANGLER | more, ROOT / "src", Path("data"))


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://127.0.0.1:9100/v1", "http://127.0.0.1:9100"),
        ("http://127.0.0.1:80/v1", "http://127.0.0.1"),
        ("https://Models.Internal:443", "https://models.internal"),
        ("http://[::1]:11434/v1", "http://[::1]:11434"),
        ("http://models:443", "http://models:443"),
    ],
)
def test_the_origin_of_an_upstream_is_written_as_the_worker_s_url_has_it(
    url: str, origin: str
) -> None:
    assert Settings.of({"UPSTREAMS": f'{{"openai": "{url}"}}'}).origins == (origin,)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:80", "http://", "http://a:b"])
def test_an_upstream_that_is_no_base_url_is_refused(url: str) -> None:
    with pytest.raises(SystemExit, match="UPSTREAMS is not a JSON object"):
        Settings.of({"UPSTREAMS": f'{{"openai": "{url}"}}'})


def test_requests_may_go_where_the_servers_of_own_models_are() -> None:
    alone = {"model": "bge-m3", "url": "http://vllm:8001/v1"}
    models = {"a": alone, "url": "http://not.one/v1", "c": {"model": "big"}}

    told = json.dumps({"url": "http://127.0.0.1:11434/v1", "key": "k", "models": models})

    origins = ("http://127.0.0.1:11434", "http://vllm:8001")
    assert Settings.of({"WORKERS_AI": told}).origins == origins


@pytest.mark.parametrize(
    "given",
    [
        "x",
        "[]",
        '"models"',
        '{"models": 1}',
        '{"url": "http://a/v1"}',
        '{"url": "//a", "models": {}}',
        '{"url": 7, "models": {}}',
        '{"models": {"a": {"model": "b", "url": "ftp://a"}}}',
    ],
)
def test_own_models_without_servers_that_can_be_reached_are_refused(given: str) -> None:
    with pytest.raises(SystemExit, match="WORKERS_AI is not a JSON object"):
        Settings.of({"WORKERS_AI": given})


def test_who_signed_for_servers_in_the_network_is_trusted_for_those_alone(tmp_path: Path) -> None:
    file = certified(tmp_path).authority
    file.write_text(f"A comment.\n{file.read_text()}")
    read = Settings.of({"UPSTREAMS": '{"openai": "https://models"}', "UPSTREAM_CA": str(file)})

    (authority,) = read.authorities
    told = Options(
        WRANGLER, ROOT / "src", Path("data"), origins=read.origins, authorities=read.authorities
    )
    networks = configuration(told).split('name = "outbound"')[1]

    assert authority.startswith("-----BEGIN CERTIFICATE-----\n")
    assert networks.count("-----BEGIN CERTIFICATE-----") == 1
    assert "-----BEGIN CERTIFICATE-----" in networks.split('name = "any"')[1]


@pytest.mark.parametrize("content", [None, b"no", b"\xff"])
def test_a_file_without_certificates_is_refused(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "ca.pem"
    if content:
        file.write_bytes(content)

    with pytest.raises(SystemExit, match=r"UPSTREAM_CA is '.*', which is no file of certificates"):
        Settings.of({"UPSTREAMS": '{"openai": "https://models"}', "UPSTREAM_CA": str(file)})


def test_who_signed_for_no_server_is_refused() -> None:
    with pytest.raises(SystemExit, match="UPSTREAM_CA is for the servers of UPSTREAMS"):
        Settings.of({"UPSTREAM_CA": "ca.pem"})


@pytest.mark.parametrize("module", ["serve", "serve.backup"])
def test_it_runs_on_python_s_own_library_alone(module: str) -> None:
    asked = [sys.executable, "-S", "-m", module, "--help"]
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": "tools"}

    done = subprocess.run(asked, cwd=ROOT, env=own, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_by_default_it_listens_on_this_machine_alone_and_trusts_nobody() -> None:
    settings = Settings.of({"PORT": "", "HOST": ""})

    assert (settings.host, settings.port) == ("127.0.0.1", 8787)
    assert (settings.tls, settings.trust_proxy, settings.origins) == (None, False, ())


def test_what_the_worker_reads_from_its_environment_is_handed_on() -> None:
    # Whether there is a cluster is told by the command itself.
    assert {*SECRETS, "CLUSTER"} == set(VARIABLES)
    assert SHORTEST == SHORTEST_SECRET


def test_values_are_written_as_capnp_text() -> None:
    value = {"name": 'a "b"\n\u00e9', "on": True, "parts": [{"file": embed("/x.py")}, 1]}

    assert written(value) == (
        '(name = "a \\"b\\"\\n\u00e9", on = true, parts = [(file = embed "/x.py"), 1])'
    )


def test_without_named_addresses_requests_leave_for_public_ones_alone() -> None:
    text = configuration(options())

    assert 'allow = ["public"]' in text
    assert "private" not in text


def test_a_key_of_wrangler_toml_that_is_not_known_ends_the_start() -> None:
    with pytest.raises(SystemExit, match="not known here: hyperdrive"):
        configuration(options(hyperdrive=[]))


def test_a_queue_is_bound_and_consumed() -> None:
    producer = {"binding": "LOG_QUEUE", "queue": "sluice-logs"}
    consumer = {"queue": "sluice-logs", "max_batch_size": 100, "max_batch_timeout": 1}
    queues = {"producers": [producer], "consumers": [consumer]}

    text = configuration(options(queues=queues))

    assert r"{\"queue\": \"sluice-logs\"}" in text
    consumed = r"{\"consumer\": \"GATEWAY\", \"maxBatchSize\": 100, \"maxBatchTimeout\": 1}"
    assert consumed in text
