"""What is kept is purged through the management API, and by changes to what it depends on."""

import json
from dataclasses import replace
from urllib.parse import quote

import pytest

from call import Request
from fakes import Bench, FakeBody, a_request, an_answer, told
from gateway import handle
from management import BASE, asked, result, wrong
from running import SETTINGS

ANSWER = '{"model":"gpt-5","choices":[]}'
GROQ = "https://sluice.test/v1/acme/main/groq/chat/completions"
OURS = "https://sluice.test/v1/acme/main/custom-ours/chat/completions"
PURGE = "gateways/main/cache"


@pytest.fixture(autouse=True)
def _keeping(bench: Bench) -> None:
    bench.settings(authentication=False, cache_ttl=600)


async def kept(bench: Bench, *requests: Request) -> list[bool]:
    """Ask, and return which of the answers had been kept."""
    hits: list[bool] = []
    for request in requests:
        bench.fetch.script[:] = [an_answer(ANSWER)]
        reply = await bench.handle(request)
        assert reply.status == 200, reply.body
        hits.append(reply.headers["cf-aig-cache-status"] == "HIT")
    return hits


def named(name: str, *, stream: bool = False) -> Request:
    text = json.dumps({"model": "m", "stream": stream})
    return a_request({"cf-aig-cache-key": name}, text)


async def test_everything_is_purged_at_once(bench: Bench) -> None:
    requests = [a_request(), a_request(url=GROQ), named("mine")]
    await kept(bench, *requests)
    assert await kept(bench, *requests) == [True] * 3

    answer = result(await asked(bench, "DELETE", PURGE))

    assert answer == {"purged": "all", "value": None}
    assert await kept(bench, *requests) == [False] * 3
    assert await kept(bench, *requests) == [True] * 3


async def test_what_is_purged_twice_stays_purged(bench: Bench) -> None:
    for _ in range(3):
        assert await kept(bench, a_request()) == [False]
        result(await asked(bench, "DELETE", PURGE))


async def test_one_provider_is_purged_and_the_others_are_not(bench: Bench) -> None:
    requests = [a_request(), a_request(url=GROQ)]
    await kept(bench, *requests)

    answer = result(await asked(bench, "DELETE", f"{PURGE}?provider=openai"))

    assert answer == {"purged": "provider", "value": "openai"}
    assert await kept(bench, *requests) == [False, True]
    result(await asked(bench, "DELETE", f"{PURGE}?provider=openai"))
    assert await kept(bench, *requests) == [False, True]


async def test_a_provider_is_purged_by_its_other_name(bench: Bench) -> None:
    result(await asked(bench, "DELETE", f"{PURGE}?provider=google"))

    (row,) = bench.database.rows("gateways")
    assert json.loads(row["generations"]) == {"google-ai-studio": 1}


async def test_a_purge_of_everything_leaves_the_numbers_of_providers(bench: Bench) -> None:
    for query in ("?provider=openai", "", "?provider=openai", "?provider=custom-ours", ""):
        result(await asked(bench, "DELETE", PURGE + query))

    (row,) = bench.database.rows("gateways")
    assert json.loads(row["generations"]) == {"openai": 2, "": 2, "custom-ours": 1}


@pytest.mark.parametrize("name", ["mine", "with space", "a/b?c&d=e", "schlüssel", "x" * 512, "%41"])
async def test_one_name_is_purged_with_its_stream_and_the_others_are_not(
    bench: Bench, name: str
) -> None:
    requests = [named(name), named(name, stream=True), named("other"), a_request()]
    await kept(bench, *requests)

    answer = result(await asked(bench, "DELETE", f"{PURGE}?key={quote(name, safe='')}"))

    assert answer == {"purged": "key", "value": name}
    hits = await kept(bench, *requests)
    # The answer of the stream is no stream here, and was never kept.
    assert hits[0] is False
    assert hits[2:] == [True, True]
    assert len(bench.flights.forgotten) == 2


async def test_a_name_is_purged_after_everything_was(bench: Bench) -> None:
    result(await asked(bench, "DELETE", PURGE))
    await kept(bench, named("mine"))

    result(await asked(bench, "DELETE", f"{PURGE}?key=mine"))

    assert await kept(bench, named("mine")) == [False]


async def test_nothing_that_is_kept_is_nothing_to_complain_about(bench: Bench) -> None:
    assert result(await asked(bench, "DELETE", f"{PURGE}?key=never")) == {
        "purged": "key",
        "value": "never",
    }


@pytest.mark.parametrize(
    "query",
    [
        "?provder=openai",
        "?Provider=openai",
        "?provider=",
        "?key=",
        "?key",
        "?provider=openai&key=mine",
        "?key=a&key=b",
        "?provider=openai&x=1",
        "?provider=nobody",
        "?provider=OpenAI",
        "?provider=custom-",
        "?provider=custom-%22",
        "?provider=custom-a%22.b",
        "?provider=custom-A",
        "?provider=custom-" + "x" * 100,
        "?=x",
    ],
)
async def test_what_is_misspelt_purges_nothing(bench: Bench, query: str) -> None:
    await kept(bench, a_request())

    reply = await asked(bench, "DELETE", PURGE + query)

    assert reply.status == 400, reply.body
    assert await kept(bench, a_request()) == [True]
    (row,) = bench.database.rows("gateways")
    assert json.loads(row["generations"]) == {}


@pytest.mark.parametrize("query", ["", "?provider=openai", "?key=mine"])
async def test_a_gateway_that_does_not_exist_has_nothing_to_purge(bench: Bench, query: str) -> None:
    reply = await asked(bench, "DELETE", f"gateways/nobody/cache{query}")

    assert reply.status == 404
    assert bench.flights.forgotten == []


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH"])
async def test_there_is_nothing_else_to_do_with_it(bench: Bench, method: str) -> None:
    assert (await asked(bench, method, PURGE)).status == 405


async def token(bench: Bench, **fields: object) -> str:
    made = await bench.manage("POST", "tokens", name="t", **fields)
    return made["value"]


async def purged_by(bench: Bench, authorization: str) -> int:
    headers = {"authorization": authorization} if authorization else {}
    return (
        await bench.handle(Request("DELETE", f"{BASE}/{PURGE}", headers, FakeBody(None)))
    ).status


async def test_only_who_may_edit_the_gateway_purges(bench: Bench) -> None:
    bench.database.add_gateway("other")
    read = await token(bench, scopes=["read"])
    run = await token(bench, scopes=["run"])
    elsewhere = await token(bench, scopes=["edit"], gateways=["other"])
    edit = await token(bench, scopes=["edit"], gateways=["main"])

    assert await purged_by(bench, "") == 401
    assert [await purged_by(bench, f"Bearer {one}") for one in (read, run, elsewhere)] == [403] * 3
    assert await purged_by(bench, f"Bearer {edit}") == 200


@pytest.mark.parametrize("part", ["cache", "flights"])
async def test_a_name_that_could_not_be_purged_is_an_error(bench: Bench, part: str) -> None:
    setattr(getattr(bench, part), "broken", True)  # noqa: B010 - one of two fakes

    reply = await asked(bench, "DELETE", f"{PURGE}?key=mine")

    assert wrong(reply) == [(503, 7505, None)]


async def test_everything_is_purged_even_where_the_cache_cannot_be_reached(bench: Bench) -> None:
    await kept(bench, a_request())
    bench.cache.broken = True

    result(await asked(bench, "DELETE", PURGE))

    bench.cache.broken = False
    assert await kept(bench, a_request()) == [False]


async def test_an_answer_that_was_under_way_while_all_was_purged_is_not_found_later(
    bench: Bench,
) -> None:
    bench.fetch.script.append(an_answer(ANSWER))
    await handle(a_request(), bench.isolate, bench.ports)
    (answering,), bench.background.jobs = [bench.background.jobs], []

    result(await asked(bench, "DELETE", PURGE))
    bench.background.jobs = answering
    await bench.background.run()

    assert await kept(bench, a_request()) == [False]


@pytest.mark.parametrize(("invalidates", "hit"), [(True, False), (False, True)])
async def test_a_change_of_the_gateway_purges_where_the_gateway_says_so(
    bench: Bench, invalidates: bool, hit: bool
) -> None:
    await kept(bench, a_request())
    settings = SETTINGS | {"authentication": False, "cache_ttl": 600}

    changed = settings | {"cache_invalidate_on_update": invalidates}
    result(await asked(bench, "PUT", "gateways/main", changed))

    assert await kept(bench, a_request()) == [hit]


async def test_a_gateway_made_anew_has_nothing_of_the_old_one(bench: Bench) -> None:
    await kept(bench, a_request(), named("mine"))
    result(await asked(bench, "DELETE", "gateways/main"))
    anew = SETTINGS | {"id": "main", "authentication": False, "cache_ttl": 600}
    result(await asked(bench, "POST", "gateways", anew))

    assert await kept(bench, a_request(), named("mine")) == [False, False]


async def _custom(bench: Bench) -> str:
    fields = {"name": "Ours", "slug": "ours", "base_url": "https://llm.example.com", "enable": True}
    return result(await asked(bench, "POST", "custom-providers", fields))["id"]


async def test_a_custom_provider_that_was_changed_or_made_anew_has_nothing_kept(
    bench: Bench,
) -> None:
    provider, request = await _custom(bench), a_request(url=OURS)
    assert await kept(bench, request, request) == [False, True]

    bench.clock.now += 1
    result(await asked(bench, "PATCH", f"custom-providers/{provider}", {"name": "Theirs"}))
    assert await kept(bench, request, request) == [False, True]

    result(await asked(bench, "DELETE", f"custom-providers/{provider}"))
    await _custom(bench)
    assert await kept(bench, request, request) == [False, True]


async def test_a_custom_provider_is_purged_by_its_slug(bench: Bench) -> None:
    await _custom(bench)
    await kept(bench, a_request(url=OURS), a_request())

    result(await asked(bench, "DELETE", f"{PURGE}?provider=custom-ours"))

    assert await kept(bench, a_request(url=OURS), a_request()) == [False, True]


async def test_a_key_that_was_exchanged_for_one_of_another_id_has_nothing_kept(
    bench: Bench,
) -> None:
    nobody = replace(a_request(), headers={"content-type": "application/json"})
    first = await bench.store("openai", "sk-1")
    assert await kept(bench, nobody, nobody) == [False, True]

    await asked(bench, "DELETE", f"gateways/main/provider_configs/{first}")
    await bench.store("openai", "sk-2")

    assert await kept(bench, nobody) == [False]


async def test_the_answer_of_a_purge_is_told_in_the_envelope(bench: Bench) -> None:
    reply = await asked(bench, "DELETE", PURGE)

    assert told(reply)["success"] is True
