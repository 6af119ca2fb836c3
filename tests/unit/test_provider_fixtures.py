"""Every provider against raw answers of its own: tests/providers/<slug>.json."""

import json
from dataclasses import replace
from typing import Any

import pytest

from call import Failure, Report, Usage
from forwarding import request_headers
from ports import Ending, Incoming
from provider_answers import FIXTURES, stream_of, streaming, text_of
from providers import PROVIDERS
from providers_page import PAGE, page
from upstream import reader

every_provider = pytest.mark.parametrize("slug", sorted(FIXTURES))


def expected(told: dict[str, Any]) -> Report:
    return Report(told["model"], Usage(**told["usage"]), cost=told.get("cost"))


def metered(report: Report) -> Report:
    """Return a report without the terms, of which whole answers and streams tell differently."""
    return replace(report, terms={})


def test_every_provider_has_a_fixture() -> None:
    assert sorted(FIXTURES) == sorted(PROVIDERS)


@every_provider
def test_each_spelling_of_a_path_leads_to_its_address(slug: str) -> None:
    for path, url in FIXTURES[slug]["urls"].items():
        assert PROVIDERS[slug].url("acme", path, "a=1") == f"{url}?a=1"


@every_provider
def test_websockets_go_where_the_vendor_takes_them(slug: str) -> None:
    provider, told = PROVIDERS[slug], FIXTURES[slug].get("sockets", {})

    led = {}
    for given in told:
        path, _, query = given.partition("?")
        led[given] = provider.url("acme", *provider.socket(path, query)) if provider.socket else ""

    assert led == told
    assert bool(told) == (provider.socket is not None)


@every_provider
def test_the_headers_that_a_vendor_reads_reach_it(slug: str) -> None:
    headers = dict.fromkeys([*FIXTURES[slug]["forwarded"], "cookie", "cf-aig-authorization"], "x")

    sent = request_headers(headers, PROVIDERS[slug].forwarded, stream=False)

    assert sent.keys() - {"accept-encoding"} == set(FIXTURES[slug]["forwarded"])


@every_provider
def test_a_request_tells_its_model(slug: str) -> None:
    fixture, dialect = FIXTURES[slug], PROVIDERS[slug].dialect
    path, _, query = fixture["path"].partition("?")

    asked = dialect.ask(path, json.dumps(fixture["request"]), query)

    assert (asked.model, asked.stream) == (fixture["model"], False)
    assert asked.model_type


@streaming
def test_a_request_tells_whether_it_streams(slug: str) -> None:
    fixture, dialect = FIXTURES[slug], PROVIDERS[slug].dialect
    path, _, query = fixture["stream_path"].partition("?")

    asked = dialect.ask(path, json.dumps(fixture["stream_request"]), query)

    assert (asked.model, asked.stream) == (fixture["model"], True)


@every_provider
def test_a_whole_answer_is_metered(slug: str) -> None:
    fixture, dialect = FIXTURES[slug], PROVIDERS[slug].dialect
    path, _, query = fixture["path"].partition("?")
    ask = dialect.ask(path, json.dumps(fixture["request"]), query)
    whole = fixture["whole"]
    incoming = Incoming(200, fixture.get("headers", {}), None)

    # An answer that is no text, such as audio, is told of by what stands beside it.
    text = None if whole is None else whole if isinstance(whole, str) else json.dumps(whole)
    report = reader(dialect, ask, incoming)(Ending("complete", text))

    assert metered(report) == expected(fixture["report"])


@streaming
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_stream_is_metered_like_the_whole_answer(slug: str, line_end: str) -> None:
    fixture = FIXTURES[slug]
    text = text_of(fixture, stream_of(fixture)).replace("\n", line_end)

    told = PROVIDERS[slug].dialect.stream_report(text)

    assert metered(told) == expected(fixture.get("stream_report", fixture["report"]))


@streaming
def test_a_stream_cut_anywhere_is_incomplete(slug: str) -> None:
    fixture = FIXTURES[slug]
    data, dialect = stream_of(fixture), PROVIDERS[slug].dialect

    # Everywhere in the last events, and here and there before.
    places = [*range(0, len(data), 29), *range(max(0, len(data) - 300), len(data))]
    complete = [at for at in places if dialect.stream_report(text_of(fixture, data[:at])).complete]

    assert all(data[at:].strip() == b"" for at in complete)


@every_provider
def test_an_error_is_recognised(slug: str) -> None:
    for error in FIXTURES[slug]["errors"]:
        body = error["body"]
        text = body if isinstance(body, str) else json.dumps(body)

        failure = PROVIDERS[slug].dialect.failure(error["status"], text, error.get("headers", {}))

        assert failure == Failure(**error["failure"])


@every_provider
def test_an_error_in_an_answer_of_status_200_is_found(slug: str) -> None:
    fixture, hidden = FIXTURES[slug], PROVIDERS[slug].dialect.hidden

    for error in fixture.get("hidden", []):
        assert hidden(error["text"]) == Failure(**error["failure"])
    if fixture["whole"] is not None:
        assert hidden(json.dumps(fixture["whole"])) is None
    if "stream" in fixture:
        assert hidden(text_of(fixture, stream_of(fixture))) is None


@every_provider
def test_every_unit_that_is_declared_is_metered(slug: str) -> None:
    fixture = FIXTURES[slug]
    reports = [fixture["report"], fixture.get("stream_report", {}), *fixture.get("others", [])]

    told = {unit for report in reports for unit, count in report.get("usage", {}).items() if count}
    told |= {"tokens"} if told & {"tokens_in", "tokens_out"} else set()
    told |= {"cost"} if any(report.get("cost") for report in reports) else set()

    assert set(PROVIDERS[slug].meters) <= told


@every_provider
def test_other_answers_are_metered(slug: str) -> None:
    """A vendor with several kinds of answers has the others under `others`."""
    dialect = PROVIDERS[slug].dialect
    for other in FIXTURES[slug].get("others", []):
        path, _, query = other["path"].partition("?")
        ask = dialect.ask(path, json.dumps(other["request"]), query)
        whole = other["whole"]
        text = None if whole is None else whole if isinstance(whole, str) else json.dumps(whole)
        headers = {"content-type": "application/json"} | other.get("headers", {})

        report = reader(dialect, ask, Incoming(200, headers, None))(Ending("complete", text))

        assert ask.model == other["asked"]
        assert metered(report) == expected(other)


@every_provider
@pytest.mark.parametrize("text", ["", "{", "null", "[]", "<html>", '{"error":1}', '{"usage":[]}'])
def test_garbage_raises_nothing(slug: str, text: str) -> None:
    dialect = PROVIDERS[slug].dialect

    assert dialect.failure(503, text, {}).retryable
    assert not dialect.failure(400, text, {}).retryable
    assert dialect.report(text).usage == Usage()
    assert dialect.stream_report(f"data: {text}\n\n").usage == Usage()
    assert dialect.ask("chat/completions", text, "").stream is False


def test_the_page_of_providers_tells_what_is_declared() -> None:
    assert PAGE.read_text() == page(), "run `make docs`"
