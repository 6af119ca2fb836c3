"""The official SDK of Cloudflare on the management API: it reads, filters and judges logs."""

from collections.abc import Iterator

import pytest
from cloudflare import BadRequestError, Cloudflare, NotFoundError

from clients.rows import rows
from running import Gateway, post

CHAT = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def client(place: Gateway) -> Iterator[Cloudflare]:
    base_url = f"{place.url}/client/v4"
    with Cloudflare(api_token=place.admin_token, base_url=base_url, max_retries=0) as client:
        yield client


def test_logs_are_read_filtered_judged_and_deleted(client: Cloudflare, place: Gateway) -> None:
    for team in ("a", "b"):
        post(
            f"{place.openai}/chat/completions",
            json=CHAT,
            headers={"cf-aig-metadata": f'{{"team": "{team}"}}'},
        ).raise_for_status()
    older, newer = rows(place, 2)
    logs = client.ai_gateway.logs

    listed = logs.list(place.name, account_id="local", per_page=1)
    filtered = logs.list(
        place.name,
        account_id="local",
        filters=[
            {"key": "metadata.value", "operator": "eq", "value": ["a"]},
            {"key": "success", "operator": "eq", "value": [True]},
        ],
    )

    assert [row.id for row in listed] == [newer["id"], older["id"]]
    assert [row.id for row in filtered] == [older["id"]]
    body = logs.request(older["id"], account_id="local", gateway_id=place.name)
    assert body == CHAT
    assert logs.response(older["id"], account_id="local", gateway_id=place.name)
    logs.edit(older["id"], account_id="local", gateway_id=place.name, feedback=1, score=90)
    shown = logs.get(older["id"], account_id="local", gateway_id=place.name)
    assert (shown.model_extra or {})["feedback"] == 1
    judged = logs.list(place.name, account_id="local", feedback=1)
    assert [row.id for row in judged] == [older["id"]]
    done = logs.delete(
        place.name,
        account_id="local",
        filters=[{"key": "id", "operator": "eq", "value": [older["id"]]}],
    )
    assert done.success
    with pytest.raises(NotFoundError):
        logs.get(older["id"], account_id="local", gateway_id=place.name)


def test_a_filter_that_breaks_a_rule_is_told(client: Cloudflare, place: Gateway) -> None:
    with pytest.raises(BadRequestError, match="Use a number"):
        client.ai_gateway.logs.list(
            place.name,
            account_id="local",
            filters=[{"key": "cost", "operator": "gt", "value": ["dear"]}],
        )
