"""The official Python SDK of Cloudflare's API, unmodified, with another base URL."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import openai
import pytest
from cloudflare import BadRequestError, Cloudflare, ConflictError, NotFoundError

from clients.rows import only_row
from running import SETTINGS, Gateway

ACCOUNT = "local"
NEW: Any = SETTINGS
FILTERS: Any = [{"key": "provider", "operator": "eq", "value": ["openai"]}]


@pytest.fixture
def client(place: Gateway) -> Iterator[Cloudflare]:
    base_url = f"{place.url}/client/v4"
    with Cloudflare(base_url=base_url, api_token=place.admin_token, max_retries=0) as client:
        yield client


@pytest.fixture
def name() -> str:
    """A name that nothing has yet."""
    return f"sdk-{uuid4().hex}"


def chat(place: Gateway) -> dict[str, Any]:
    """Send a chat through a gateway, and return its row of the log."""
    with openai.OpenAI(base_url=place.openai, api_key="sk-test") as client:
        message: Any = {"role": "user", "content": "Hello"}
        client.chat.completions.create(model="gpt-5-mini", messages=[message])
    return only_row(place)


def test_a_gateway_from_its_making_to_its_end(client: Cloudflare, name: str) -> None:
    made = client.ai_gateway.create(account_id=ACCOUNT, id=name, **NEW)
    assert (made.id, made.cache_ttl, made.authentication) == (name, 0, True)

    changed = NEW | {"cache_ttl": 60, "retry_backoff": "linear"}
    updated = client.ai_gateway.update(name, account_id=ACCOUNT, **changed)
    assert (updated.cache_ttl, updated.retry_backoff) == (60, "linear")
    assert client.ai_gateway.get(name, account_id=ACCOUNT).cache_ttl == 60
    (listed,) = client.ai_gateway.list(account_id=ACCOUNT, search=name)
    assert listed.model_dump() == updated.model_dump()

    assert client.ai_gateway.delete(name, account_id=ACCOUNT).id == name
    with pytest.raises(NotFoundError) as raised:
        client.ai_gateway.get(name, account_id=ACCOUNT)
    assert raised.value.errors[0].code == 7002


def test_gateways_are_listed_over_all_pages(client: Cloudflare, name: str, place: Gateway) -> None:
    with place.another(f"{name}-1"), place.another(f"{name}-2"), place.another(f"{name}-3"):
        pages = client.ai_gateway.list(account_id=ACCOUNT, search=name, per_page=2)

        assert [one.id for one in pages] == [f"{name}-{number}" for number in (1, 2, 3)]


def test_errors_are_the_client_s_own(client: Cloudflare, place: Gateway) -> None:
    with pytest.raises(ConflictError):
        client.ai_gateway.create(account_id=ACCOUNT, id=place.name, **NEW)
    with pytest.raises(BadRequestError) as raised:
        client.ai_gateway.create(account_id=ACCOUNT, id="-", **NEW)
    assert raised.value.errors[0].code == 7001


def test_a_dataset_from_its_making_to_its_end(client: Cloudflare, place: Gateway) -> None:
    datasets = client.ai_gateway.datasets
    here: Any = {"account_id": ACCOUNT, "gateway_id": place.name}
    made = datasets.create(
        place.name, account_id=ACCOUNT, name="Mine", enable=True, filters=FILTERS
    )
    assert made
    assert (made.name, made.enable, made.gateway_id) == ("Mine", True, place.name)
    assert (made.filters[0].key, made.filters[0].value) == ("provider", ["openai"])

    updated = datasets.update(made.id, **here, name="Yours", enable=False, filters=[])
    assert updated
    assert (updated.name, updated.enable, updated.filters) == ("Yours", False, [])

    listed = list(datasets.list(place.name, account_id=ACCOUNT, enable=False, search="your"))
    assert [one.id for one in listed] == [made.id]
    found = datasets.get(made.id, **here)
    assert found
    assert found.name == "Yours"
    assert datasets.delete(made.id, **here)
    with pytest.raises(NotFoundError):
        datasets.get(made.id, **here)


def test_an_evaluation_tells_what_the_requests_took_and_cost_and_were_thought_of(
    client: Cloudflare, place: Gateway
) -> None:
    row = chat(place)
    here: Any = {"account_id": ACCOUNT, "gateway_id": place.name}
    client.ai_gateway.logs.edit(row["id"], **here, feedback=1)
    dataset = client.ai_gateway.datasets.create(
        place.name, account_id=ACCOUNT, name="Mine", enable=True, filters=FILTERS
    )
    types = [one.id for one in client.ai_gateway.evaluation_types.list(account_id=ACCOUNT)]
    assert set(types) == {"cost", "speed", "feedback"}
    assert dataset

    evaluations = client.ai_gateway.evaluations
    made = evaluations.create(
        place.name,
        account_id=ACCOUNT,
        name="What",
        dataset_ids=[dataset.id],
        evaluation_type_ids=types,
    )

    assert made
    assert (made.processed, made.total_logs) == (True, 1)
    results = {one.evaluation_type_id: float(one.result) for one in made.results}
    assert row["cost"] > 0
    assert results == {"cost": row["cost"], "speed": row["duration"], "feedback": 1}
    found = evaluations.get(made.id, **here)
    assert found
    assert found.model_dump() == made.model_dump()
    listed = list(evaluations.list(place.name, account_id=ACCOUNT, processed=True))
    assert [one.id for one in listed] == [made.id]
    assert evaluations.delete(made.id, **here)
    assert not list(evaluations.list(place.name, account_id=ACCOUNT))


def test_a_provider_config_is_stored_and_listed(client: Cloudflare, place: Gateway) -> None:
    made = client.ai_gateway.provider_configs.create(
        place.name,
        account_id=ACCOUNT,
        alias="production",
        default_config=True,
        provider_slug="openai",
        secret="sk-a-key-of-some-length",
    )

    assert made
    assert (made.alias, made.provider_slug, made.secret_preview) == (
        "production",
        "openai",
        "…ngth",
    )
    (listed,) = client.ai_gateway.provider_configs.list(place.name, account_id=ACCOUNT)
    assert listed.id == made.id
    assert listed.default_config is True


def test_a_custom_provider_from_its_making_to_its_end(client: Cloudflare, name: str) -> None:
    slug = name[:30]
    customs = client.ai_gateway.custom_providers
    made = customs.create(
        account_id=ACCOUNT, name="Mine", slug=slug, base_url="https://mine.example", enable=True
    )
    assert (made.slug, made.enable) == (slug, True)

    found = customs.get(made.id, account_id=ACCOUNT)
    assert found.base_url == "https://mine.example"
    listed = customs.list(account_id=ACCOUNT, search=slug, enable=True, beta=False)
    assert [one.id for one in listed] == [made.id]
    assert customs.delete(made.id, account_id=ACCOUNT).id == made.id
    with pytest.raises(NotFoundError):
        customs.get(made.id, account_id=ACCOUNT)


def test_the_url_of_a_provider_is_one_that_answers(client: Cloudflare, place: Gateway) -> None:
    url = client.ai_gateway.urls.get("openai", account_id=ACCOUNT, gateway_id=place.name)

    assert url == place.openai
    body = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hello"}]}
    answer = httpx.post(f"{url}/chat/completions", json=body, headers={"authorization": "Bearer a"})
    assert answer.is_success


def test_the_log_is_listed_and_one_row_is_read(client: Cloudflare, place: Gateway) -> None:
    row = chat(place)

    (listed,) = client.ai_gateway.logs.list(place.name, account_id=ACCOUNT)
    found = client.ai_gateway.logs.get(row["id"], account_id=ACCOUNT, gateway_id=place.name)

    assert found
    assert listed.id == found.id == row["id"]
    assert (found.provider, found.tokens_in, found.success) == ("openai", row["tokens_in"], True)
