"""Which bodies are the same to the cache: JSON by its meaning, anything else by its bytes."""

import json
from typing import Any, cast

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from call import Target
from errors import ClientLeft
from fakes import NOW, a_request
from intake.call import provider_call
from kept.key import CANONICAL_LENGTH, SHALLOW, cache_key
from snapshot import Gateway

GATEWAY = Gateway(1, "acme", "main", authentication=False, collect_logs=True)
TARGET = Target("openai", "chat/completions", "")


async def key_of(text: str | Exception | None, kind: str = "application/json") -> str | None:
    request = a_request({"content-type": kind}, text)
    return await cache_key(await provider_call(request, GATEWAY, TARGET, NOW))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a":1,"b":2}', '{"b":2,"a":1}'),
        ('{"a":{"x":1,"y":[{"p":1,"q":2}]}}', '{"a":{"y":[{"q":2,"p":1}],"x":1}}'),
        ('{"a":[1,2]}', ' {\n\t"a" : [ 1 , 2 ]\r\n} '),
        ('{"a":"é"}', '{"a":"\\u00e9"}'),
        ('{"a":"👋"}', '{"a":"\\ud83d\\udc4b"}'),
        ('{"a":"/"}', '{"a":"\\/"}'),
        ('{"a":1.50}', '{"a":1.5}'),
        ('{"a":1e2}', '{"a":100.0}'),
    ],
)
async def test_what_means_the_same_has_one_key(one: str, other: str) -> None:
    assert await key_of(one) == await key_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a":[1,2]}', '{"a":[2,1]}'),
        ('{"a":1}', '{"a":"1"}'),
        ('{"a":1}', '{"a":true}'),
        ('{"a":0}', '{"a":false}'),
        ('{"a":0}', '{"a":null}'),
        ('{"a":null}', "{}"),
        ('{"a":1}', '{"a":1.0}'),
        ('{"a":"x"}', '{"a":"x "}'),
        ('{"a":"e\u0301"}', '{"a":"é"}'),
        ('{"a":9007199254740993}', '{"a":9007199254740992}'),
        ('{"a":1e400}', '{"a":1e500}'),
        ('{"a":1e400}', '{"a":Infinity}'),
        ('{"a":NaN}', '{"a":"NaN"}'),
        ('{"a":{"b":1}}', '{"a":"{\\"b\\":1}"}'),
        ('{"stream":true}', '{"stream":false}'),
        ("[]", "{}"),
        ("null", ""),
    ],
)
async def test_what_means_something_else_has_another_key(one: str, other: str) -> None:
    assert await key_of(one) != await key_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # Which of the two counts depends on who reads.
        ('{"a":1,"a":2}', '{"a":2}'),
        ('{"a":1,"a":2}', '{"a":2,"a":1}'),
        ('{"a":1,"\\u0061":2}', '{"a":2}'),
        ('{"x":{"a":1,"a":2}}', '{"x":{"a":2}}'),
        # What a decoder put there may have been any bytes.
        ('{"a":"\ufffd"}', '{"a": "\ufffd"}'),
        # No JSON at all.
        ("{", "{ "),
        ('{"a":1}x', '{"a":1} x'),
    ],
)
async def test_what_may_be_understood_differently_is_compared_by_its_bytes(
    one: str, other: str
) -> None:
    assert await key_of(one) != await key_of(other)
    assert await key_of(one) == await key_of(one) is not None


async def test_what_is_no_json_is_compared_by_its_bytes_and_its_type() -> None:
    assert await key_of("a b", "text/plain") == await key_of("a b", "text/plain")
    assert await key_of("a b", "text/plain") != await key_of("a  b", "text/plain")
    assert await key_of("a b", "text/plain") != await key_of("a b", "text/csv")
    assert await key_of('{"a":1}', "text/plain") != await key_of('{"a":1}')


async def test_the_boundary_of_a_form_matters() -> None:
    form = "--x\r\ncontent-disposition: form-data; name=file\r\n\r\nabc\r\n--x--\r\n"

    assert await key_of(form, "multipart/form-data; boundary=x") != await key_of(
        form, "multipart/form-data; boundary=y"
    )


async def test_how_a_json_type_is_written_does_not_matter() -> None:
    assert await key_of('{"a":1}', "application/json; charset=utf-8") == await key_of('{"a":1}')


@pytest.mark.parametrize("opened", ["[", '{"a":'])
async def test_json_of_any_depth_has_a_key(opened: str) -> None:
    deep = opened * 100_000

    assert await key_of(deep) == await key_of(deep) is not None
    assert await key_of(deep + " ") != await key_of(deep)


async def test_deep_json_is_compared_by_its_bytes() -> None:
    """The parser that would tell more is no match for it: on Workers its stack is short."""

    def nested(depth: int) -> str:
        return "[" * depth + "1" + "]" * depth

    assert await key_of(nested(SHALLOW)) == await key_of(nested(SHALLOW) + " ")
    assert await key_of(nested(SHALLOW + 2)) != await key_of(nested(SHALLOW + 2) + " ")


async def test_many_brackets_beside_each_other_are_not_deep() -> None:
    wide = "[" + ",".join(['{"a":[1]}'] * 1000) + "]"

    assert await key_of(wide) == await key_of(wide + " ")


async def test_a_number_of_any_length_has_a_key() -> None:
    assert await key_of("1" * 5000) == await key_of("1" * 5000) is not None
    assert await key_of("1" * 5000) != await key_of("1" * 4999)


async def test_long_json_is_compared_by_its_bytes() -> None:
    long = '{"a":"' + "x" * CANONICAL_LENGTH + '","b":1}'

    assert await key_of(long) == await key_of(long) is not None
    assert await key_of(long) != await key_of(long.replace(",", ", "))


async def test_json_up_to_a_length_is_compared_by_its_meaning() -> None:
    short = '{"b":1,"a":"' + "x" * (CANONICAL_LENGTH - 14) + '"}'
    turned = '{"a":"' + "x" * (CANONICAL_LENGTH - 14) + '","b":1}'

    assert len(short) == CANONICAL_LENGTH
    assert await key_of(short) == await key_of(turned)


async def test_a_body_that_is_too_long_to_be_held_has_no_key() -> None:
    assert await key_of(None) is None
    assert await key_of(None, "audio/wav") is None


async def test_a_caller_who_leaves_meanwhile_is_noticed() -> None:
    with pytest.raises(ClientLeft):
        await key_of(ClientLeft())


_NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
_VALUES = st.recursive(
    st.none() | st.booleans() | _NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def _turned(value: Any) -> Any:
    """Return the same with its names the other way round."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value).items()
        return {name: _turned(part) for name, part in reversed(fields)}
    if isinstance(value, list):
        return [_turned(part) for part in cast("list[Any]", value)]
    return value


def _typed(value: Any) -> str:
    """Return what differs where Python says that true is 1, and 1 is 1.0."""
    return json.dumps(value, sort_keys=True)


@given(_VALUES, st.sampled_from([None, 2]), st.booleans())
async def test_every_writing_of_a_json_value_has_one_key(
    value: Any, indent: int | None, ascii_only: bool
) -> None:
    plain = json.dumps(value, ensure_ascii=False)
    assume("\ufffd" not in plain)

    other = json.dumps(_turned(value), indent=indent, ensure_ascii=ascii_only)

    assert await key_of(plain) == await key_of(other)


@given(_VALUES, _VALUES)
async def test_no_two_json_values_share_a_key(one: Any, other: Any) -> None:
    assume(_typed(one) != _typed(other))

    assert await key_of(json.dumps(one)) != await key_of(json.dumps(other))
