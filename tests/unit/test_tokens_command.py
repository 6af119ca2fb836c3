"""`make token`, against a gateway in memory that answers over HTTP."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from call import Reply, Request
from fakes import ROOT, Bench, FakeBody, SqliteDatabase
from serve.listening import free_port
from tokens_command import main

Printed = pytest.CaptureFixture[str]


class Server(HTTPServer):
    """Answers requests, one after the other."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer: Callable[[Request], Reply] = lambda _: Reply(503, {}, "not yet")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def do(self) -> None:
        body = FakeBody(self.rfile.read(int(self.headers.get("content-length") or 0)).decode())
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.answer(
            Request(self.command, self.server.url + self.path, headers, body)
        )
        self.send_response(reply.status)
        self.end_headers()
        self.wfile.write(str(reply.body).encode())

    do_GET = do_POST = do_DELETE = do  # noqa: N815 - the names that http.server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's
        pass


@contextmanager
def serving(serve: Callable[[Server], None]) -> Generator[str]:
    """Serve in a thread, and yield the address."""
    with Server() as server:
        thread = threading.Thread(target=serve, args=[server])
        thread.start()
        try:
            yield server.url
        finally:
            server.shutdown()
            thread.join(10)


def serve_gateway(server: Server) -> None:
    # SQLite wants to be used by the thread that opened it.
    with closing(SqliteDatabase()) as database:
        bench = Bench(database)
        server.answer = lambda request: asyncio.run(bench.handle(request))
        server.serve_forever(0.01)


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """A gateway that answers, as the command finds it."""
    with serving(serve_gateway) as url:
        yield {"URL": url, "ACCOUNT": "acme", "ADMIN_TOKEN": "secret"}


@contextmanager
def answering(status: int, text: str) -> Generator[dict[str, str]]:
    """Answer every request alike."""

    def serve(server: Server) -> None:
        server.answer = lambda _: Reply(status, {}, text)
        server.serve_forever(0.01)

    with serving(serve) as url:
        yield {"URL": url, "ADMIN_TOKEN": "secret"}


def failure(printed: Printed, environment: dict[str, str], *arguments: str) -> str:
    """Run a command that fails, and return what it says."""
    assert main(arguments or ["list"], environment) == 1
    out, err = printed.readouterr()
    assert out == ""
    assert err.startswith("token: ")
    assert "Traceback" not in err
    return err


def status(environment: dict[str, str], token: str) -> int:
    """Return what a token gets from the management API."""
    url = f"{environment['URL']}/client/v4/accounts/acme/ai-gateway/gateways/main"
    return httpx.get(url, headers={"authorization": f"Bearer {token}"}).status_code


def listed(printed: Printed, environment: dict[str, str]) -> list[list[str]]:
    """Return the lines of the list below its head."""
    assert main(["list"], environment) == 0
    return [line.split() for line in printed.readouterr().out.splitlines()[1:]]


def test_a_token_is_made_and_printed_alone(environment: dict[str, str], capsys: Printed) -> None:
    assert main(["create", "--name", "ci", "--scope", "read"], environment) == 0

    out, err = capsys.readouterr()
    assert out.startswith("slu_")
    assert out.count("\n") == 1
    assert "only time" in err
    assert out.strip() not in err
    assert status(environment, out.strip()) == 200


def test_a_token_is_made_as_it_is_asked_for(environment: dict[str, str], capsys: Printed) -> None:
    limits = ["--scope", "run", "--scope", "read", "--gateway", "main"]
    assert main(["create", "--name", "ci"], environment) == 0
    expires = ["--expires", "2027-01-01T00:00:00Z"]
    assert main(["create", "--name", "limited", *limits, *expires], environment) == 0
    last = capsys.readouterr().out.strip()[-4:]

    limited, unlimited = sorted(listed(capsys, environment), key=lambda line: line[1])[::-1]

    assert limited[1:] == ["limited", "read,run", "main", "2027-01-01T00:00:00.000Z", f"…{last}"]
    assert unlimited[1:5] == ["ci", "run", "all", "never"]


def test_every_token_is_listed_and_none_is_shown(
    environment: dict[str, str], capsys: Printed
) -> None:
    for number in range(51):
        assert main(["create", "--name", f"ci-{number}"], environment) == 0
    made = capsys.readouterr().out.split()

    assert main(["list"], environment) == 0

    out = capsys.readouterr().out
    assert len(out.splitlines()) == 52
    assert not any(token in out for token in made)


def test_without_tokens_the_list_is_empty(environment: dict[str, str], capsys: Printed) -> None:
    assert listed(capsys, environment) == []


def test_a_name_cannot_write_to_the_terminal(environment: dict[str, str], capsys: Printed) -> None:
    assert main(["create", "--name", "\x1b[2J\nci"], environment) == 0
    capsys.readouterr()

    assert [line[1] for line in listed(capsys, environment)] == ["?[2J?ci"]


def test_a_revoked_token_opens_nothing(environment: dict[str, str], capsys: Printed) -> None:
    assert main(["create", "--name", "ci", "--scope", "read"], environment) == 0
    token = capsys.readouterr().out.strip()
    token_id = listed(capsys, environment)[0][0]

    assert main(["revoke", token_id], environment) == 0

    assert "Revoked ci" in capsys.readouterr().out
    assert status(environment, token) == 401
    assert listed(capsys, environment) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create", "--name", ""], "name: "),
        (["create", "--name", "ci", "--gateway", "nobody"], "gateways.0: "),
        (["create", "--name", "ci", "--expires", "tomorrow"], "expires_at: Use ISO 8601"),
        (["create", "--name", "ci", "--expires", "2020-01-01T00:00:00Z"], "still to come"),
        (["revoke", "nobody"], "'nobody' not found"),
        (["revoke", "../gateways/main"], "not found"),
        (["revoke", ""], "no ID"),
    ],
)
def test_what_the_gateway_refuses_is_said(
    environment: dict[str, str], capsys: Printed, arguments: list[str], said: str
) -> None:
    assert said in failure(capsys, environment, *arguments)
    assert listed(capsys, environment) == []


@pytest.mark.parametrize(
    "arguments",
    [[], ["make"], ["create"], ["create", "--name", "ci", "--scope", "admin"], ["revoke"]],
)
def test_a_command_that_is_incomplete_is_explained(capsys: Printed, arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments, {})

    assert "usage: token" in capsys.readouterr().err


def test_a_wrong_admin_token_is_told_from_a_right_one(
    environment: dict[str, str], capsys: Printed
) -> None:
    said = failure(capsys, environment | {"ADMIN_TOKEN": "wrong-one"})

    assert "ADMIN_TOKEN" in said
    assert "wrong-one" not in said


@pytest.mark.parametrize("token", ["schlüssel", "two\nlines", " "])
def test_what_is_no_token_is_not_sent(capsys: Printed, token: str) -> None:
    said = failure(capsys, {"ADMIN_TOKEN": token})

    assert said.startswith("token: the admin token is empty, or has characters")


def test_the_admin_token_is_found_where_the_gateway_keeps_it(
    environment: dict[str, str], capsys: Printed, tmp_path: Path
) -> None:
    (tmp_path / "admin-token").write_text("secret\n")
    del environment["ADMIN_TOKEN"]

    assert listed(capsys, environment | {"STATE": str(tmp_path)}) == []


def test_without_an_admin_token_it_says_where_it_looked(capsys: Printed, tmp_path: Path) -> None:
    said = failure(capsys, {"STATE": str(tmp_path)})

    assert str(tmp_path / "admin-token") in said


def test_a_gateway_that_does_not_run_is_named(capsys: Printed) -> None:
    url = f"http://127.0.0.1:{free_port()}"

    assert f"no gateway answers at {url}" in failure(capsys, {"URL": url, "ADMIN_TOKEN": "secret"})


@pytest.mark.parametrize("url", ["localhost:8787", "ftp://localhost", "http://", "http://["])
def test_what_is_no_address_is_refused(capsys: Printed, url: str) -> None:
    assert url in failure(capsys, {"URL": url, "ADMIN_TOKEN": "secret"})


@pytest.mark.parametrize(
    ("code", "text"),
    [(200, "<html>"), (200, "[]"), (200, "{}"), (404, "Not found"), (302, ""), (500, "[1]")],
)
def test_another_server_is_told_from_a_gateway(capsys: Printed, code: int, text: str) -> None:
    with answering(code, text) as environment:
        said = failure(capsys, environment)

    assert f"is not a gateway: status {code}" in said


def test_a_deployment_without_a_management_api_is_told(capsys: Printed) -> None:
    refusal = json.dumps({"errors": [{"code": 7000, "message": "No route"}]})
    with answering(404, refusal) as environment:
        assert "has no management API" in failure(capsys, environment)


def test_a_fault_of_the_deployment_is_told(capsys: Printed) -> None:
    fault = json.dumps({"error": [{"code": 7501, "message": "Remove UPSTREAMS"}]})
    with answering(500, fault) as environment:
        assert "Remove UPSTREAMS" in failure(capsys, environment)


def test_the_command_ends_as_it_went(environment: dict[str, str]) -> None:
    def run(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
        command = [sys.executable, ROOT / "tools" / "tokens_command.py", *arguments]
        known = os.environ | environment
        return subprocess.run(command, env=known, capture_output=True, check=False)

    made, refused = run("create", "--name", "ci"), run("revoke", "nobody")

    assert (made.returncode, made.stdout[:4]) == (0, b"slu_")
    assert (refused.returncode, refused.stdout) == (1, b"")
