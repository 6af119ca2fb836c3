"""The body of a universal request: what it may be, and what is said of what it may not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call import Target
from errors import BadUniversal
from fakes import an_entry
from intake.universal import ENTRIES, Entry, entries

FIELDS = ("provider", "endpoint", "query", "headers", "config", "authorization")
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def one(**fields: Any) -> Entry:
    return entries(json.dumps([an_entry() | fields]))[0]


def refusal(text: str | None) -> str:
    with pytest.raises(BadUniversal) as refused:
        entries(text)
    assert (refused.value.status, refused.value.code) == (400, 7001)
    return refused.value.message.removeprefix("Invalid universal request: ")


def test_entries_are_read_in_their_order() -> None:
    given_ = [an_entry("openai"), an_entry("groq", endpoint="v1/models?limit=2&a=%2F")]

    assert entries(json.dumps(given_)) == [
        Entry(
            Target("openai", "chat/completions", ""),
            {"content-type": "application/json", "authorization": "Bearer sk-openai"},
            '{"model":"m"}',
        ),
        Entry(
            Target("groq", "v1/models", "limit=2&a=%2F"),
            {"content-type": "application/json", "authorization": "Bearer sk-groq"},
            '{"model":"m"}',
        ),
    ]


def test_a_single_object_is_a_list_of_one() -> None:
    assert entries(json.dumps(an_entry())) == entries(json.dumps([an_entry()]))


@pytest.mark.parametrize(
    "query", [{}, [], "text", 1, 1.5, True, None, {"é": "日本\U0001f600", "n": 2**70, "f": [1e-7]}]
)
def test_a_query_of_any_json_is_the_body(query: object) -> None:
    assert json.loads(one(query=query).body) == query


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("600", "600"),
        (600, "600"),
        (1.5, "1.5"),
        (True, "true"),
        (False, "false"),
        ({"user": 7}, '{"user": 7}'),
        ([1, "a"], '[1, "a"]'),
        ("", ""),
        ("caf\xe9", "caf\xe9"),
        ("a\tb", "a\tb"),
    ],
)
def test_a_header_that_is_no_string_is_written_as_json(value: object, sent: str) -> None:
    assert one(headers={"X-Any": value}).headers["x-any"] == sent


def test_a_header_without_a_value_is_none() -> None:
    assert "x-any" not in one(headers={"X-Any": None}).headers


def test_config_says_in_its_own_words_what_headers_say() -> None:
    config = {"requestTimeout": 1000, "maxAttempts": 2, "retryDelay": 500, "backoff": "linear"}

    assert (
        one(config=config).headers.items()
        >= {
            "cf-aig-request-timeout": "1000",
            "cf-aig-max-attempts": "2",
            "cf-aig-retry-delay": "500",
            "cf-aig-backoff": "linear",
        }.items()
    )


@pytest.mark.parametrize("name", ["cf-aig-max-attempts", "CF-AIG-Max-Attempts"])
def test_a_header_of_an_entry_wins_over_its_config(name: str) -> None:
    headers = one(config={"maxAttempts": 2}, headers={name: "3"}).headers

    assert headers["cf-aig-max-attempts"] == "3"


def test_the_oldest_form_of_an_entry_has_its_key_beside_the_headers() -> None:
    old = an_entry(authorization="Bearer sk-old")
    del old["headers"]

    assert entries(json.dumps(old))[0].headers["authorization"] == "Bearer sk-old"
    assert one(authorization="Bearer sk-old").headers["authorization"] == "Bearer sk-openai"


@pytest.mark.parametrize("name", ["Content-Type", "content-type"])
def test_an_entry_may_say_its_content_type(name: str) -> None:
    assert one(headers={name: "text/json"}).headers == {"content-type": "text/json"}


@pytest.mark.parametrize("endpoint", ["/v1/chat", "//v1/chat", "v1/chat"])
def test_an_endpoint_may_begin_with_a_slash(endpoint: str) -> None:
    assert one(endpoint=endpoint).target == Target("openai", "v1/chat", "")


@pytest.mark.parametrize(
    "endpoint",
    ["", "@cf/meta/llama-3.1", "a:b", "a%2Fb", ".a/b.", "...", "a/..b", "a?b=../c", "a?b=?c&d"],
)
def test_an_endpoint_is_taken_as_it_is(endpoint: str) -> None:
    path, _, query = endpoint.partition("?")

    assert one(endpoint=endpoint).target == Target("openai", path, query)


@pytest.mark.parametrize(
    "endpoint",
    [
        *("..", ".", "../a", "./a", "a/..", "a/../b", "a/./b", "a/.", "a/..?b", "/../a"),
        *("%2e%2e/a", "a/%2E%2e", ".%2e/a", "%2e./a", "a/%2E/b", "a/%2e?b"),
        *("a\\b", "..\\a", "\\\\evil.test", "a b", "a\tb", "a\nb", "a\r\nb", "a\0b", "a\x7fb"),
        *("a#b", "#", "a?b#c", "é", "a/日本", "\u202e", "a\n"),
        *(None, 1, ["a"], {"a": 1}, True),
    ],
)
def test_an_endpoint_that_could_lead_elsewhere_is_refused(endpoint: object) -> None:
    said = refusal(json.dumps([an_entry(), an_entry(endpoint=endpoint)]))

    assert said.startswith("entry 1, field `endpoint` is ")


@pytest.mark.parametrize(
    "slug", ["", " openai", "OpenAI", "open ai", "a/b", "..", "a.b", "é", "-a", "a\n", None, 1, []]
)
def test_what_is_no_slug_is_no_provider(slug: object) -> None:
    said = refusal(json.dumps([an_entry() | {"provider": slug}]))

    assert said.startswith("entry 0, field `provider` is ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-a\r\nx-b", "1"),
        ("x-a: 1\nx-b", "1"),
        ("x a", "1"),
        ("x:a", "1"),
        ("", "1"),
        ("é", "1"),
        ("x-a\0", "1"),
        ("x-a", "1\r\nx-b: 2"),
        ("x-a", "1\nx-b: 2"),
        ("x-a", "1\n"),
        ("x-a", "1\r"),
        ("x-a", "\0"),
        ("x-a", "\x7f"),
        ("x-a", "日本"),
        ("authorization", "Bearer sk\r\nhost: evil.test"),
    ],
)
def test_a_header_that_http_does_not_allow_is_refused(name: str, value: str) -> None:
    said = refusal(json.dumps([an_entry(headers={name: value})]))

    assert (
        said == f"entry 0, field `headers`, header {name!r}. Use names and values that HTTP allows"
    )


def test_a_key_in_the_oldest_field_is_held_to_the_same_rule() -> None:
    assert "'authorization'" in refusal(json.dumps(an_entry(authorization="a\r\nb", headers={})))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"config": {"maxAttempts": 2, "retries": 3}}, "entry 1, field `config.retries`"),
        ({"config": [1]}, "entry 1, field `config`"),
        ({"config": "fast"}, "entry 1, field `config`"),
        ({"headers": ["a"]}, "entry 1, field `headers`"),
        ({"headers": "a: b"}, "entry 1, field `headers`"),
    ],
)
def test_a_field_of_another_kind_is_refused(fields: dict[str, object], said: str) -> None:
    assert refusal(json.dumps([an_entry(), an_entry() | fields])).startswith(said)


@pytest.mark.parametrize("name", ["provider", "endpoint", "query"])
def test_a_missing_field_is_named(name: str) -> None:
    entry = an_entry()
    del entry[name]

    assert refusal(json.dumps([an_entry(), entry])).startswith(f"entry 1, field `{name}`")


@pytest.mark.parametrize("entry", [None, 1, "openai", [], [an_entry()]])
def test_an_entry_that_is_no_object_is_named(entry: object) -> None:
    assert refusal(json.dumps([an_entry(), entry])).startswith("entry 1. Send an object")


@pytest.mark.parametrize("count", [0, ENTRIES + 1, 50])
def test_no_entries_and_too_many_are_refused(count: int) -> None:
    assert refusal(json.dumps([an_entry()] * count)) == f"it has {count} entries. Send 1 to 10"


def test_ten_entries_are_taken() -> None:
    assert len(entries(json.dumps([an_entry()] * 10))) == 10


@pytest.mark.parametrize(
    "text", ["", "x", "{", "[1,", '{"a":NaN}', "[" * 100_000, '"\\ud800"', '{"a":Infinity}']
)
def test_what_is_no_json_is_refused(text: str) -> None:
    assert refusal(text).startswith("the body is not JSON")


def test_a_body_too_long_to_be_read_is_told_so() -> None:
    assert refusal(None).startswith("it has no body, or one of more than 10 MB")


def test_a_number_too_large_for_json_never_becomes_infinity() -> None:
    text = json.dumps(an_entry()).replace('"m"', "1e999")

    try:
        body = entries(text)[0].body
    except BadUniversal:
        return
    assert "Infinity" not in body


@given(JSON, st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_anything_is_read_or_refused(given_: object, fields: dict[str, object]) -> None:
    for text in (json.dumps(given_), json.dumps([given_, an_entry() | fields])):
        try:
            read = entries(text)
        except BadUniversal:
            continue
        for entry in read:
            json.loads(entry.body, parse_constant=pytest.fail)
