"""What ends the start: a message that says what is wrong, and status 1."""

import fcntl
import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from running import MAKE_SERVE, PRINTED, Gateway, refusal, started

EXAMPLE = '{"openai": "http://127.0.0.1:9100/v1"}'


# Root may read whatever it likes, unless this is taken from it.
NOBODY_SPECIAL = () if os.getuid() else ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
NO_ROOM = ("prlimit", "--fsize=0")


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"PORT": "eighty"}, "PORT is 'eighty'. Use a port number, 1 to 65535"),
        ({"PORT": "65536"}, "PORT is '65536'. Use a port number, 1 to 65535"),
        ({"STOP_SECONDS": "soon"}, "STOP_SECONDS is 'soon'. Use a number of seconds"),
        ({"TRUST_PROXY": "yes"}, "TRUST_PROXY is 'yes'. Use 1 or 0"),
        ({"TLS_CERT": "cert.pem"}, "TLS_CERT and TLS_KEY belong together. Set both, or none"),
        (
            {"TLS_CERT": "/nowhere/cert.pem", "TLS_KEY": "/nowhere/key.pem"},
            "/nowhere/cert.pem cannot be read. TLS_CERT and TLS_KEY are names of PEM files",
        ),
        (
            {"UPSTREAMS": '["openai"]'},
            f"UPSTREAMS is not a JSON object of provider slugs and base URLs, like {EXAMPLE}",
        ),
        (
            {"WORKERS_AI": '{"url": "http://127.0.0.1:9100/v1"}'},
            "WORKERS_AI is not a JSON object of servers and their models, like {",
        ),
        ({"ENCRYPTION_KEY": "short"}, "ENCRYPTION_KEY has fewer than 32 characters"),
    ],
)
def test_a_variable_that_cannot_be_used(
    tmp_path: Path, variables: Mapping[str, str], message: str
) -> None:
    assert refusal(tmp_path, **variables).startswith(message)


def test_what_the_worker_refuses(
    tmp_path: Path, command: list[str | Path], variables: dict[str, str]
) -> None:
    own = '{"url": "http://127.0.0.1:9100/v1", "models": {"*": "llama"}, "modles": {}}'
    with pytest.raises(AssertionError), started(command, tmp_path, WORKERS_AI=own, **variables):
        pass

    last = json.loads((tmp_path / PRINTED).read_text().splitlines()[-1])
    assert last["level"] == "error"
    assert last["message"].startswith("WORKERS_AI cannot be used: modles: ")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    config = tmp_path / "wrangler.toml"

    message = refusal(tmp_path, [*MAKE_SERVE, "--config", config])

    assert str(config) in message


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        message = refusal(tmp_path, PORT=str(port))

    assert message == f"PORT is {port}, which another program listens on already"


def test_an_address_that_the_machine_does_not_have(tmp_path: Path) -> None:
    message = refusal(tmp_path, HOST="192.0.2.1")

    assert message.startswith("192.0.2.1, port 8787, cannot be listened on: ")


def test_a_folder_that_another_process_works_on(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("the one before\n")
        lock.flush()

        message = refusal(tmp_path)

    assert message == f"STATE is {tmp_path}, which process {os.getpid()} works on already"


def test_a_folder_with_a_file_of_another_user(tmp_path: Path) -> None:
    kind = tmp_path / "kind"
    kind.write_text("single\n")
    kind.chmod(0)

    message = refusal(tmp_path, [*NOBODY_SPECIAL, *MAKE_SERVE])

    assert message.startswith(f"STATE is {tmp_path}, which cannot be used: ")
    assert str(kind) in message


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    message = refusal(tmp_path, [*NO_ROOM, *MAKE_SERVE])

    assert message.startswith(f"STATE is {tmp_path}, which cannot be used: ")


def test_a_folder_that_a_gateway_works_on(served: Gateway) -> None:
    message = refusal(served.state)

    noted = (served.state / "lock").read_text().strip()
    assert message == f"STATE is {served.state}, which process {noted} works on already"


def test_a_folder_of_another_kind_of_node(tmp_path: Path) -> None:
    (tmp_path / "kind").write_text("cluster\n")

    message = refusal(tmp_path)

    assert message.startswith(f"STATE is {tmp_path}, whose data is that of a BUCKET. ")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    message = refusal(tmp_path / "file")

    assert message.startswith(f"STATE is {tmp_path / 'file'}, which cannot be used: ")
