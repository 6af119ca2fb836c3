"""A backup of a gateway that is at work, and a gateway that goes on from it."""

import os
import stat
import subprocess
import sys
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from running import ADMIN_TOKEN, ROOT, SETTINGS, Gateway, started
from worker.scripted import ScriptedUpstream
from worker.scripts import CHAT

HOUR_S = 3600
CACHED = {"cf-aig-cache-ttl": "3600"}
BODY = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hi"}]}


def backup(action: str, file: Path, state: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "serve.backup", action, file],
        env=os.environ | {"PYTHONPATH": str(ROOT / "tools"), "STATE": str(state)},
        capture_output=True,
        text=True,
        check=False,
    )


def chat(gateway: Gateway, token: str, name: str, **headers: str) -> httpx.Response:
    """Send a request without a provider's key: the gateway has one."""
    url = f"{gateway.url}/v1/local/{name}/openai/script/json_answer"
    return httpx.post(
        url, json=BODY, headers={"cf-aig-authorization": f"Bearer {token}"} | headers, timeout=60
    )


def prepared(gateway: Gateway) -> str:
    """Make two gateways with keys, `free` and `limited`, use the latter up; return a token."""
    limit = {"rate_limiting_limit": 1, "rate_limiting_interval": HOUR_S}
    for name, more in (("free", {}), ("limited", limit)):
        gateway.manage("POST", "/gateways", SETTINGS | {"id": name} | more)
        gateway.name = name
        gateway.store("openai", "sk-stored")
    token = gateway.manage("POST", "/tokens", {"name": "kept", "scopes": ["run"]})["value"]
    statuses = [chat(gateway, token, "limited").status_code for _ in range(2)]
    assert statuses == [200, 429]
    gateway.name = "free"
    return token


def backup_at_work(gateway: Gateway, token: str, file: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        load = [pool.submit(chat, gateway, token, "free") for _ in range(200)]
        done = backup("save", file, gateway.state)
        assert done.returncode == 0, done.stderr
        assert not all(each.done() for each in load), "the load ended before the backup did"
        assert {each.result().status_code for each in load} == {200}


def test_a_backup_of_a_gateway_at_work_has_its_log_keys_tokens_and_counters(
    tmp_path: Path,
    command: list[str | Path],
    variables: dict[str, str],
    upstream: ScriptedUpstream,
) -> None:
    old, new, file = tmp_path / "old", tmp_path / "new", tmp_path / "backup.tar.gz"
    old.mkdir()
    with started(command, old, **variables) as (gateway, _):
        token = prepared(gateway)
        first = chat(gateway, token, "free", **CACHED)
        gateway.row_of(first)
        backup_at_work(gateway, token, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    assert backup("restore", file, new).returncode == 0
    assert (new / "encryption-key").read_text() == (old / "encryption-key").read_text()
    with started(command, new, **variables) as (gateway, _):
        gateway.name = "free"
        assert gateway.row_of(first)["tokens_in"] == 12
        assert chat(gateway, token, "free", **CACHED).headers["cf-aig-cache-status"] == "HIT"
        assert chat(gateway, token, "limited").status_code == 429
        assert chat(gateway, token, "free").content == CHAT
        assert upstream.last().header("authorization") == "Bearer sk-stored"


@pytest.fixture
def saved(tmp_path: Path, served: Gateway) -> Path:
    file = tmp_path / "backup.tar.gz"
    assert backup("save", file, served.state).returncode == 0
    return file


def test_nothing_is_restored_over_data_and_no_backup_is_overwritten(
    saved: Path, served: Gateway
) -> None:
    content = saved.read_bytes()

    restored, again = backup("restore", saved, served.state), backup("save", saved, served.state)

    assert (restored.returncode, again.returncode) == (1, 1)
    assert "not empty" in restored.stderr
    assert saved.read_bytes() == content
    assert httpx.get(f"{served.url}/healthz").is_success


def cut(content: bytes) -> bytes:
    return content[:-2000]


def spoilt(content: bytes) -> bytes:
    half = len(content) // 2
    return content[:half] + b"spoilt" * 100 + content[half + 600 :]


@pytest.mark.parametrize("damage", [cut, spoilt])
def test_a_backup_that_is_damaged_leaves_the_folder_empty(
    saved: Path, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    saved.write_bytes(damage(saved.read_bytes()))

    done = backup("restore", saved, tmp_path / "new")

    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert not list((tmp_path / "new").iterdir())


def test_a_database_that_is_damaged_is_not_restored(saved: Path, tmp_path: Path) -> None:
    folder, damaged = tmp_path / "unpacked", tmp_path / "damaged.tar.gz"
    with tarfile.open(saved) as tar:
        tar.extractall(folder, filter="data")
    (database,) = folder.glob("data/d1/*/[0-9a-f]*.sqlite")
    with database.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)
    with tarfile.open(damaged, "w:gz") as tar:
        tar.add(folder, ".")

    done = backup("restore", damaged, tmp_path / "new")

    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert not list((tmp_path / "new").iterdir())


def test_what_is_restored_is_private_also_in_a_folder_that_is_not(
    saved: Path, tmp_path: Path
) -> None:
    new = tmp_path / "new"
    new.mkdir(mode=0o755)

    assert backup("restore", saved, new).returncode == 0

    assert list(new.glob("data/d1/*/*.sqlite"))
    assert not [each for each in new.rglob("*") if each.stat().st_mode & 0o077]


def test_a_backup_of_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    done = backup("save", tmp_path / "backup.tar.gz", tmp_path)

    assert done.returncode == 1
    assert "holds no data" in done.stderr


def test_a_secret_of_the_environment_is_not_in_a_backup(saved: Path) -> None:
    with tarfile.open(saved) as tar:
        assert "admin-token" not in tar.getnames()
        contents = [tar.extractfile(each) for each in tar.getmembers() if each.isfile()]
        assert not any(ADMIN_TOKEN.encode() in each.read() for each in contents if each)


def test_a_folder_whose_data_is_in_a_bucket_is_not_backed_up(tmp_path: Path) -> None:
    (tmp_path / "kind").write_text("workers\n")

    done = backup("save", tmp_path / "backup.tar.gz", tmp_path)

    assert done.returncode == 1
    assert "docs/cluster.md" in done.stderr
    assert not (tmp_path / "backup.tar.gz").exists()
