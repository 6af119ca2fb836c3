"""What only deploying would show: the size of the upload, and whether a snapshot can be taken."""

import contextlib
import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path

import httpx
import pytest

import native
import upload
from running import Gateway, post, stream, until
from worker.caller import RawCaller
from worker.scripted import ScriptedUpstream
from worker.scripts import CHAT

ADMIN_TOKEN = "test-admin-token"
SCHEMA = Path(__file__).resolve().parents[2] / "schema.sql"
Serve = Callable[..., contextlib.AbstractContextManager[Gateway]]


@pytest.fixture(scope="session")
def uploaded(tmp_path_factory: pytest.TempPathFactory) -> upload.Upload:
    return upload.build(tmp_path_factory.mktemp("upload"))


@pytest.fixture(scope="session")
def variables(upstream: ScriptedUpstream) -> dict[str, str]:
    """A provider's address is once a name that resolves to a private one."""
    by_name = upstream.base_url.replace("127.0.0.1", "localhost")
    bases = {"openai": upstream.base_url, "groq": by_name}
    return {"ADMIN_TOKEN": ADMIN_TOKEN, "UPSTREAMS": json.dumps(bases)}


@pytest.fixture(scope="session")
def deployed(
    tmp_path_factory: pytest.TempPathFactory,
    uploaded: upload.Upload,
    variables: Mapping[str, str],
) -> Iterator[Gateway]:
    """Serve what would be uploaded from its snapshot, on workerd alone."""
    run = native.configure(tmp_path_factory.mktemp("native"), uploaded.folder, variables)
    native.save_snapshot(run)
    with serving(run) as gateway:
        yield gateway


@pytest.fixture(scope="session")
def unmanaged(
    tmp_path_factory: pytest.TempPathFactory,
    uploaded: upload.Upload,
    variables: Mapping[str, str],
    deployed: Gateway,
) -> Iterator[Gateway]:
    """Serve the same as long as nobody has set an admin token."""
    unset = {name: value for name, value in variables.items() if name != "ADMIN_TOKEN"}
    run = native.configure(tmp_path_factory.mktemp("unmanaged"), uploaded.folder, unset)
    shutil.copy(deployed.state / native.SNAPSHOT, run.folder)
    with serving(run) as gateway:
        yield gateway


@pytest.fixture(scope="session")
def apart(
    tmp_path_factory: pytest.TempPathFactory,
    uploaded: upload.Upload,
    variables: Mapping[str, str],
    deployed: Gateway,
) -> Serve:
    """What serves the same with no way into a private network but to addresses that are named."""

    @contextlib.contextmanager
    def serve(*addresses: str) -> Generator[Gateway, None, None]:
        folder = tmp_path_factory.mktemp("apart")
        run = native.configure(folder, uploaded.folder, variables, ["public"], addresses)
        shutil.copy(deployed.state / native.SNAPSHOT, run.folder)
        with serving(run) as gateway:
            yield gateway

    return serve


@pytest.fixture(scope="session")
def confined(apart: Serve) -> Iterator[Gateway]:
    """Serve as it is on Cloudflare."""
    with apart() as gateway:
        yield gateway


@pytest.fixture(scope="session")
def named(apart: Serve, upstream: ScriptedUpstream) -> Iterator[Gateway]:
    """Serve as `make serve` does where one of the two addresses is named."""
    with apart(upstream.root) as gateway:
        yield gateway


@contextlib.contextmanager
def serving(run: native.Native) -> Generator[Gateway, None, None]:
    with native.serving(run) as server:
        until(lambda: answers(server, run), "the gateway", patience=60)
        migrate(run.folder)
        yield Gateway(run.url, ADMIN_TOKEN, "", run.folder)


def test_the_upload_is_small_enough(uploaded: upload.Upload) -> None:
    assert uploaded.gzipped_kib <= upload.LIMIT_KIB


def test_nothing_is_uploaded_that_the_worker_does_not_need(uploaded: upload.Upload) -> None:
    files = [file.relative_to(uploaded.folder).as_posix() for file in uploaded.folder.rglob("*")]

    unneeded = (".pyi", ".pyc", ".dist-info")
    assert not [name for name in files if name.endswith(unneeded)]
    assert not [name for name in files if name.startswith(("tests", "tools"))]


@pytest.mark.parametrize(
    "line", ["import js; HELD = js.Object.new()", "import os; SEED = os.urandom(8)"]
)
def test_a_worker_that_cannot_be_in_a_snapshot_is_found_out(
    tmp_path: Path, uploaded: upload.Upload, line: str
) -> None:
    modules = shutil.copytree(uploaded.folder, tmp_path / "upload")
    with (modules / "runtime" / "convert.py").open("a") as module:
        module.write(f"\n{line}\n")

    with pytest.raises(SystemExit, match="workerd took no snapshot"):
        native.save_snapshot(native.configure(tmp_path, modules, {}))


def test_the_gateway_answers_from_its_snapshot(deployed: Gateway) -> None:
    response = post(f"{deployed.openai}/script/json_answer", json={"model": "gpt-5-mini"})

    assert response.status_code == 200
    assert deployed.row_of(response)["tokens_in"] == 12


@pytest.mark.parametrize(
    "authorization", [None, "Bearer", "Bearer None", "Bearer undefined", f"Bearer {ADMIN_TOKEN}"]
)
def test_without_an_admin_token_there_is_no_management_api_and_there_are_no_metrics(
    unmanaged: Gateway, authorization: str | None
) -> None:
    headers = {"authorization": authorization} if authorization else {}

    paths = ("gateways", "gateways/default/logs", "tokens", "audit-logs", "openapi.json", "none")
    asked = [httpx.get(f"{unmanaged.account}/{path}", headers=headers) for path in paths]
    metrics = httpx.get(f"{unmanaged.url}/metrics", headers=headers)

    assert [(one.status_code, one.json()["errors"][0]["code"]) for one in asked] == [
        (404, 7000)
    ] * len(paths)
    assert (metrics.status_code, metrics.json()["internalCode"]) == (404, 7000)
    assert post(f"{unmanaged.openai}/script/json_answer", json={}).content == CHAT


@pytest.mark.parametrize("slug", ["openai", "groq"])
def test_a_name_of_a_private_address_leads_nowhere(
    deployed: Gateway, confined: Gateway, upstream: ScriptedUpstream, slug: str
) -> None:
    path = f"{slug}/script/json_answer"
    before = len(upstream.requests)

    refused = post(f"{confined.address}/{path}", json={})

    assert (refused.status_code, refused.json()["internalCode"]) == (502, 2005)
    assert len(upstream.requests) == before
    # It is the network that refuses: with a way in the same request is answered.
    assert post(f"{deployed.address}/{path}", json={}).content == CHAT


def test_a_private_address_that_is_named_is_reached_and_no_other_one(
    named: Gateway, upstream: ScriptedUpstream
) -> None:
    # Both lead to the same place; only one is written as it was named.
    reached = post(f"{named.openai}/script/json_answer", json={})
    refused = post(f"{named.address}/groq/script/json_answer", json={})

    assert reached.content == CHAT
    assert (refused.status_code, refused.json()["internalCode"]) == (502, 2005)


def test_a_named_address_is_left_as_soon_as_the_caller_leaves(
    named: Gateway, upstream: ScriptedUpstream
) -> None:
    caller = RawCaller(f"{named.openai}/script/stream_and_hang", b"{}")

    caller.read_head()
    caller.die()

    assert upstream.last().abandoned()


def test_ids_made_after_a_snapshot_differ(deployed: Gateway) -> None:
    url = f"{deployed.openai}/script/json_answer"

    ids = {post(url, json={}).headers["cf-aig-request-id"] for _ in range(20)}

    assert len(ids) == 20


@pytest.mark.parametrize("script", ["json_gzipped", "json_gzipped_in_chunks"])
def test_an_answer_that_was_decoded_does_not_say_that_it_is_encoded(
    deployed: Gateway, script: str
) -> None:
    url = f"{deployed.openai}/script/{script}"

    with stream("POST", url, json={}, headers={"accept-encoding": "identity"}) as response:
        raw = b"".join(response.iter_raw())

    assert "content-encoding" not in response.headers
    assert raw == CHAT


@pytest.mark.parametrize("script", ["stream_and_hang", "audio_and_hang"])
def test_a_caller_whose_connection_dies_ends_a_silent_provider_s_work_within_a_second(
    deployed: Gateway, upstream: ScriptedUpstream, script: str
) -> None:
    caller = RawCaller(f"{deployed.openai}/script/{script}", b"{}")

    head = caller.read_head()
    caller.die()

    assert upstream.last().abandoned()
    assert deployed.row(head["cf-aig-log-id"])["status_code"] == 499


def test_a_caller_who_dies_before_the_answer_ends_the_provider_s_work_within_a_second(
    deployed: Gateway, upstream: ScriptedUpstream
) -> None:
    before = len(upstream.requests)
    caller = RawCaller(f"{deployed.openai}/script/hang", b"{}", cf_aig_event_id="died-early")

    until(lambda: len(upstream.requests) > before or None, "the request at the provider")
    caller.die()

    assert upstream.last().abandoned()
    row = until(lambda: deployed.row_of_event("died-early"), "the row of a call without an answer")
    assert (row["status_code"], row["error_code"]) == (499, 2005)


def answers(server: "subprocess.Popen[bytes]", run: native.Native) -> bool | None:
    """Whether the Worker has started. It is not healthy yet: it has no schema."""
    assert server.poll() is None, (run.folder / "workerd.log").read_text()
    try:
        return httpx.get(f"{run.url}/healthz", timeout=30).status_code == 503 or None
    except httpx.TransportError:
        return None


def migrate(folder: Path) -> None:
    """Give the database, whose file the first question has made, the schema and a gateway."""
    (file,) = (folder / "data" / "d1" / "sluice-d1").glob("[0-9a-f]*.sqlite")
    connection = sqlite3.connect(file)
    connection.executescript(SCHEMA.read_text())
    connection.execute(
        "INSERT INTO gateways (account_id, id, settings, created_at, modified_at) "
        "VALUES ('local', 'default', '{\"authentication\": false}', 0, 0)"
    )
    connection.commit()
    connection.close()
