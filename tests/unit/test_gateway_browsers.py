"""Requests of pages on other sites (CORS)."""

from dataclasses import replace

import pytest

from call import Request
from fakes import CHAT, Bench, a_request, an_answer

ORIGIN = {"origin": "https://page.test"}


@pytest.mark.parametrize("url", [CHAT, "https://sluice.test/nothing"])
async def test_a_browser_that_asks_first_is_allowed_what_it_asks(bench: Bench, url: str) -> None:
    headers = ORIGIN | {
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,cf-aig-metadata",
    }

    reply = await bench.handle(Request("OPTIONS", url, headers))

    assert (reply.status, reply.body) == (204, None)
    assert reply.headers == {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
        "access-control-allow-headers": "authorization,cf-aig-metadata",
        "access-control-max-age": "86400",
    }
    assert bench.fetch.sent == []
    assert bench.database.rows("logs") == []


async def test_a_browser_that_names_no_headers_is_allowed_all(bench: Bench) -> None:
    headers = ORIGIN | {"access-control-request-method": "GET"}

    reply = await bench.handle(Request("OPTIONS", CHAT, headers))

    assert reply.headers["access-control-allow-headers"] == "*"


async def test_only_options_ask_first(bench: Bench) -> None:
    bench.fetch.script.append(an_answer("{}"))

    reply = await bench.handle(a_request({"access-control-request-method": "POST"}))

    assert reply.status == 200


async def test_other_options_go_to_the_provider(bench: Bench) -> None:
    bench.fetch.script.append(an_answer(""))

    await bench.handle(Request("OPTIONS", CHAT, {"authorization": "Bearer sk", **ORIGIN}))

    assert [sent.method for sent in bench.fetch.sent] == ["OPTIONS"]


async def test_a_page_may_read_a_reply_and_all_of_its_headers(bench: Bench) -> None:
    answer = replace(an_answer("{}"), headers={"access-control-allow-origin": "https://a.test"})
    bench.fetch.script.append(answer)

    reply = await bench.handle(a_request(ORIGIN))

    assert reply.headers["access-control-allow-origin"] == "*"
    assert reply.headers["access-control-expose-headers"] == "*"


@pytest.mark.parametrize("url", [CHAT.replace("main", "none"), CHAT.replace("openai", "opnai")])
async def test_a_page_may_read_a_refusal(bench: Bench, url: str) -> None:
    reply = await bench.handle(a_request(ORIGIN, url=url))

    assert (reply.status, reply.headers["access-control-allow-origin"]) == (400, "*")


async def test_whoever_is_no_page_gets_none_of_this(bench: Bench) -> None:
    bench.fetch.script.append(an_answer("{}"))

    reply = await bench.handle(a_request())

    assert not any(name.startswith("access-control-") for name in reply.headers)
