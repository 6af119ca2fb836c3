"""Texts of the log are found as people write them: in any letters, with quotes, in either case."""

import json
from urllib.parse import quote

import pytest

from fakes import Bench, a_request, an_answer
from logged import add_row
from management import asked, result

LOGS = "gateways/main/logs"
QUOTED = 'say "a\\b"\nand go'


async def count(bench: Bench, query: str) -> int:
    reply = await asked(bench, "GET", f"{LOGS}?{query}")
    assert reply.status == 200
    return len(result(reply))


async def searched(bench: Bench, text: str) -> int:
    return await count(bench, f"search={quote(text)}")


async def containing(bench: Bench, key: str, *values: str) -> int:
    given = json.dumps([{"key": key, "operator": "contains", "value": values}])
    return await count(bench, f"filters={quote(given)}")


CASES = [
    ("Zoë", "zoË"),
    ("ÄRGER", "ärger"),
    ("ärger", "ÄRGER"),
    ("Ärger Über Öl", "ärger über öl"),
    ("Ärger über Öl", "ÄRGER über öl"[:10]),
    ("Иван Петров", "иван петров"),
    ("STRASSE", "straße"),
    ("東京", "東京"),
    ("👩‍💻", "👩‍💻"),
]


@pytest.mark.parametrize(("stored", "asked_for"), CASES)
async def test_letters_outside_ascii_are_found_in_small_in_capitals_and_as_titles(
    bench: Bench, stored: str, asked_for: str
) -> None:
    add_row(bench.database, metadata={"team": f"a {stored} b"}, user_agent=f"a {stored} b")

    assert await searched(bench, asked_for) == 1
    for key in ("metadata.value", "user_agent"):
        assert await containing(bench, key, "nobody", asked_for) == 1
    assert await searched(bench, f"{asked_for}-") == 0


@pytest.mark.parametrize(("stored", "asked_for"), CASES)
async def test_rows_whose_metadata_was_written_in_ascii_are_found_too(
    bench: Bench, stored: str, asked_for: str
) -> None:
    add_row(bench.database, metadata=json.dumps({"team": stored}))

    assert await searched(bench, asked_for) == 1


@pytest.mark.parametrize("part", [QUOTED, '"a', "a\\b", "\n", '"', "AND GO"])
async def test_quotes_and_backslashes_are_found_in_keys_and_values(bench: Bench, part: str) -> None:
    for metadata in ({"team": QUOTED}, {QUOTED: 1}, {"team": "plain"}):
        add_row(bench.database, metadata=metadata)

    assert await searched(bench, part) == 2
    assert await containing(bench, "metadata.key", part) == 1
    assert await containing(bench, "metadata.value", part) == 1


@pytest.mark.parametrize("part", ["\\n", "\\u00e4", '":'])
async def test_how_metadata_is_kept_is_not_searched(bench: Bench, part: str) -> None:
    add_row(bench.database, metadata={"team": "ä\n"})
    add_row(bench.database, metadata=json.dumps({"team": "ä\n"}))

    assert await searched(bench, part) == 0


async def test_metadata_is_kept_as_it_came_from_callers_and_from_judges(bench: Bench) -> None:
    bench.fetch.script.append(an_answer("{}"))
    metadata = json.dumps({"team": "Zoë"}, ensure_ascii=False)
    await bench.handle(a_request({"cf-aig-metadata": metadata}))
    [row] = result(await asked(bench, "GET", LOGS))
    assert bench.database.rows("logs")[0]["metadata"] == metadata
    judged = {"metadata": {"team": '東京 "x"'}}

    assert (
        result(await asked(bench, "PATCH", f"{LOGS}/{row['id']}", judged))["metadata"]
        == (judged["metadata"])
    )
    assert "東京" in bench.database.rows("logs")[0]["metadata"]
    assert await searched(bench, '東京 "X"') == 1


async def test_as_many_texts_as_a_query_may_have_are_found(bench: Bench) -> None:
    add_row(bench.database, metadata={"team": "Ärger Über Öl 59"})
    values = [f"ärger über öl {number}" for number in range(60)]

    assert await containing(bench, "metadata.value", *values) == 1
    assert await containing(bench, "user_agent", *values) == 0
