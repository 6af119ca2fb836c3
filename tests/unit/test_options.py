import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from options import Options

TIMEOUT = "cf-aig-request-timeout"
EVENT = "cf-aig-event-id"
METADATA = "cf-aig-metadata"
LOG = "cf-aig-collect-log"
PAYLOAD = "cf-aig-collect-log-payload"
ATTEMPTS = "cf-aig-max-attempts"
DELAY = "cf-aig-retry-delay"
BACKOFF = "cf-aig-backoff"
ALIAS = "cf-aig-byok-alias"
EVERY_HEADER = [TIMEOUT, EVENT, METADATA, LOG, PAYLOAD, ATTEMPTS, DELAY, BACKOFF, ALIAS]

MILLISECONDS = "Use a whole number of milliseconds, 1 to 2147483647"
EVENT_RULE = "Use 1 to 256 printable ASCII characters"
ALIAS_RULE = "Use 1 to 64 letters, digits, `-`, `_` or `.`"
FLAG = "Use `true` or `false`"
FLAT = "Use a flat JSON object whose values are strings, numbers or booleans"


def test_without_headers_nothing_is_asked() -> None:
    assert Options.of({"content-type": "application/json"}) == Options(
        timeout=None,
        event_id=None,
        metadata=None,
        collect_log=None,
        collect_payload=True,
        problem=None,
    )


@pytest.mark.parametrize(
    ("header", "value", "expected"),
    [
        (TIMEOUT, "1", Options(timeout=1)),
        (TIMEOUT, "2147483647", Options(timeout=2**31 - 1)),
        (TIMEOUT, "0000000010", Options(timeout=10)),
        (ATTEMPTS, "1", Options(max_attempts=1)),
        (ATTEMPTS, "5", Options(max_attempts=5)),
        (DELAY, "0", Options(retry_delay=0)),
        (DELAY, "60000", Options(retry_delay=60_000)),
        (BACKOFF, "constant", Options(backoff="constant")),
        (BACKOFF, "linear", Options(backoff="linear")),
        (BACKOFF, "exponential", Options(backoff="exponential")),
        (EVENT, "a", Options(event_id="a")),
        (EVENT, "order 7 ~", Options(event_id="order 7 ~")),
        (EVENT, "x" * 256, Options(event_id="x" * 256)),
        (ALIAS, "a", Options(byok_alias="a")),
        (ALIAS, "Team-A_1.x", Options(byok_alias="Team-A_1.x")),
        (ALIAS, "x" * 64, Options(byok_alias="x" * 64)),
        (METADATA, "{}", Options(metadata={})),
        (METADATA, '{"a":"b"}', Options(metadata={"a": "b"})),
        (METADATA, '{"a":1,"b":-1.5,"c":false}', Options(metadata={"a": 1, "b": -1.5, "c": False})),
        (LOG, "true", Options(collect_log=True)),
        (LOG, "false", Options(collect_log=False)),
        (PAYLOAD, "true", Options(collect_payload=True)),
        (PAYLOAD, "false", Options(collect_payload=False)),
    ],
)
def test_a_header_that_keeps_its_rule_is_read(header: str, value: str, expected: Options) -> None:
    assert Options.of({header: value}) == expected


@pytest.mark.parametrize(
    ("header", "value", "rule"),
    [
        *[(ATTEMPTS, value, "Use a whole number of attempts, 1 to 5") for value in ["0", "6", "x"]],
        (DELAY, "60001", "Use a whole number of milliseconds, 0 to 60000"),
        *[
            (BACKOFF, value, "Use `constant`, `linear` or `exponential`")
            for value in ["", "Linear", "none"]
        ],
        *[(TIMEOUT, value, MILLISECONDS) for value in ["", "0", "-1", "1.5", "1e3", " 1", "+1"]],
        *[
            (TIMEOUT, value, MILLISECONDS)
            for value in ["2147483648", "00000000001", "\u0661", "\u00b2"]
        ],
        *[(EVENT, value, EVENT_RULE) for value in ["", "x" * 257, "ä", "a\tb", "\x7f"]],
        *[(ALIAS, value, ALIAS_RULE) for value in ["", "x" * 65, "a b", "ä", "a/b", "a\n", "a,b"]],
        *[(LOG, value, FLAG) for value in ["", "True", "1", "yes", "true, true", " true"]],
        *[(PAYLOAD, value, FLAG) for value in ["", "FALSE", "0", "no"]],
        *[(METADATA, value, FLAT) for value in ["", "x", "[]", "1", '"a"', "null", "true", "{"]],
        *[(METADATA, value, FLAT) for value in ['{"a":NaN}', '{"a":-Infinity}', "{a:1}"]],
        (METADATA, "[" * 8_000, FLAT),
        (METADATA, "[" * 8_193, f"{FLAT}, of at most 8192 characters"),
        (METADATA, f'{{"a":{"9" * 400}}}', f"{FLAT}; the value of 'a' is not"),
        (METADATA, f'{{"a":{"9" * 5_000}}}', FLAT),
        (METADATA, '{"a":null}', f"{FLAT}; the value of 'a' is not"),
        (METADATA, '{"a":1,"b":{}}', f"{FLAT}; the value of 'b' is not"),
        (METADATA, '{"a":[1]}', f"{FLAT}; the value of 'a' is not"),
        (METADATA, '{"cf.a":null}', f"{FLAT}; the value of 'cf.a' is not"),
    ],
)
def test_a_header_that_breaks_its_rule_is_named_with_value_and_rule(
    header: str, value: str, rule: str
) -> None:
    problem = Options.of({header: value}).problem

    assert str(problem) == f"Invalid header `{header}`: {value!r}. {rule}"


def test_a_number_too_large_for_json_is_refused() -> None:
    options = Options.of({METADATA: '{"a":1e999}'})

    assert options.problem


def test_of_several_problems_the_first_is_told() -> None:
    options = Options.of({LOG: "no", TIMEOUT: "soon"})

    assert TIMEOUT in str(options.problem)


def test_the_first_five_entries_of_metadata_are_kept() -> None:
    given = {f"key{number}": number for number in range(8)}

    options = Options.of({METADATA: json.dumps(given)})

    assert options.metadata == {f"key{number}": number for number in range(5)}


def test_the_keys_of_the_gateway_itself_are_dropped_and_not_counted() -> None:
    given = {"cf.user_id": "root", "cf.": 1} | {f"key{number}": number for number in range(5)}

    options = Options.of({METADATA: json.dumps(given)})

    assert options.metadata == {f"key{number}": number for number in range(5)}


def test_a_dropped_entry_must_keep_the_rule_too() -> None:
    given = {f"key{number}": number for number in range(5)} | {"key6": None}

    assert Options.of({METADATA: json.dumps(given)}).problem


@pytest.mark.parametrize("header", EVERY_HEADER)
def test_a_misspelt_header_keeps_the_wish_for_privacy(header: str) -> None:
    options = Options.of({PAYLOAD: "true"} | {header: ""})

    assert options.collect_payload is False


def test_what_keeps_its_rule_is_read_beside_a_problem() -> None:
    options = Options.of({LOG: "false", EVENT: "order-7", TIMEOUT: "soon"})

    assert (options.collect_log, options.event_id, options.timeout) == (False, "order-7", None)


@given(st.dictionaries(st.sampled_from(EVERY_HEADER), st.text()))
def test_any_value_is_read_or_refused(headers: dict[str, str]) -> None:
    options = Options.of(headers)

    assert options.problem is None or any(name in str(options.problem) for name in headers)


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.floats() | st.text()))
def test_kept_metadata_is_at_most_five_entries_of_the_caller(given_: dict[str, object]) -> None:
    metadata = Options.of({METADATA: json.dumps(given_)}).metadata or {}

    assert len(metadata) <= 5
    assert metadata.items() <= given_.items()
    assert not any(key.startswith("cf.") for key in metadata)
