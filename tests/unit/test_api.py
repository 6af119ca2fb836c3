"""Who may use the management API, and for what. The log it shows has files of its own."""

import json

import pytest

from call import Request
from deployment import Deployment
from fakes import Bench
from isolate import Isolate

BASE = "https://sluice.test/client/v4/accounts/acme/ai-gateway"
LOGS = f"{BASE}/gateways/main/logs"


def asking(url: str = LOGS, method: str = "GET", token: str | None = "secret") -> Request:
    return Request(method, url, {"authorization": f"Bearer {token}"} if token else {})


async def refused(bench: Bench, request: Request) -> tuple[int, int]:
    reply = await bench.handle(request)
    told = json.loads(str(reply.body))
    assert (told["success"], told["result"], told["messages"]) == (False, None, [])
    assert reply.headers == {"content-type": "application/json"}
    return reply.status, told["errors"][0]["code"]


async def test_the_admin_token_opens_the_log(bench: Bench) -> None:
    assert (await bench.handle(asking())).status == 200


async def test_a_row_that_does_not_exist_is_not_found(bench: Bench) -> None:
    assert await refused(bench, asking(f"{LOGS}/none")) == (404, 7002)


async def test_a_bad_page_is_refused(bench: Bench) -> None:
    assert await refused(bench, asking(f"{LOGS}?page=0")) == (400, 7001)


@pytest.mark.parametrize("token", [None, "", "other", "secret2"])
@pytest.mark.parametrize("url", [LOGS, f"{BASE}/gateways/none/logs", f"{BASE}/nothing"])
async def test_without_the_admin_token_nothing_is_told(
    bench: Bench, url: str, token: str | None
) -> None:
    assert await refused(bench, asking(url, token=token)) == (401, 10000)


@pytest.mark.parametrize("token", [None, "", "None", "secret"])
async def test_a_deployment_without_an_admin_token_has_no_management_api(
    bench: Bench, token: str | None
) -> None:
    bench.isolate = Isolate(Deployment(), bench.clock)

    assert await refused(bench, asking(token=token)) == (404, 7000)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "OPTIONS"])
async def test_the_log_can_be_read_and_deleted_and_nothing_else(bench: Bench, method: str) -> None:
    reply = await bench.handle(asking(method=method))

    assert (reply.status, reply.headers["allow"]) == (405, "GET, DELETE, HEAD")
    assert isinstance(reply.body, str)
    assert json.loads(reply.body)["errors"][0]["code"] == 7001


async def test_the_head_of_the_log_can_be_asked(bench: Bench) -> None:
    assert (await bench.handle(asking(method="HEAD"))).status == 200


@pytest.mark.parametrize(
    "path", ["nothing", "gateways/", "gateways/main/", "gateways/main/logs/", "gateways//logs"]
)
async def test_other_paths_lead_nowhere(bench: Bench, path: str) -> None:
    assert await refused(bench, asking(f"{BASE}/{path}")) == (404, 7000)


async def test_a_management_reply_is_not_for_other_sites_to_read(bench: Bench) -> None:
    headers = {"authorization": "Bearer secret", "origin": "https://elsewhere.test"}

    reply = await bench.handle(Request("GET", LOGS, headers))

    assert not any(name.startswith("access-control-") for name in reply.headers)
