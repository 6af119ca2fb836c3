"""Where clients reach providers through a deployment."""

import pytest

from fakes import Bench
from management import asked, result, wrong


@pytest.mark.parametrize("provider", ["openai", "workers-ai", "google-ai-studio"])
async def test_the_url_is_that_of_the_deployment(bench: Bench, provider: str) -> None:
    url = result(await asked(bench, "GET", f"gateways/main/url/{provider}"))

    assert url == f"https://sluice.test/v1/acme/main/{provider}"


async def test_the_url_of_the_universal_endpoint_is_that_of_the_gateway(bench: Bench) -> None:
    url = result(await asked(bench, "GET", "gateways/main/url/universal"))

    assert url == "https://sluice.test/v1/acme/main/"


async def test_a_custom_provider_has_a_url(bench: Bench) -> None:
    fields = {"name": "Mine", "slug": "mine", "base_url": "https://mine.example"}
    await bench.manage("POST", "custom-providers", **fields)

    url = result(await asked(bench, "GET", "gateways/main/url/custom-mine"))

    assert url == "https://sluice.test/v1/acme/main/custom-mine"
    # Its slug alone leads nowhere.
    assert wrong(await asked(bench, "GET", "gateways/main/url/mine")) == [(404, 7002, None)]


@pytest.mark.parametrize("provider", ["nobody", "custom-nobody", "mine", "custom-", "OpenAI"])
async def test_an_unknown_provider_has_none(bench: Bench, provider: str) -> None:
    reply = await asked(bench, "GET", f"gateways/main/url/{provider}")

    assert wrong(reply) == [(404, 7002, None)]


async def test_an_unknown_gateway_has_none(bench: Bench) -> None:
    assert wrong(await asked(bench, "GET", "gateways/none/url/openai")) == [(404, 7002, None)]
