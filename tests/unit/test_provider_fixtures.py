"""Every provider against raw answers of its own: tests/providers/<slug>.json."""

import json
from pathlib import Path
from typing import Any

import pytest

from call import Failure, Report, Usage
from forwarding import request_headers
from providers import PROVIDERS
from providers_page import PAGE, page

FOLDER = Path(__file__).resolve().parents[1] / "providers"
FIXTURES: dict[str, dict[str, Any]] = {
    file.stem: json.loads(file.read_text()) for file in sorted(FOLDER.glob("*.json"))
}
every_provider = pytest.mark.parametrize("slug", sorted(FIXTURES))


def expected(fixture: dict[str, Any]) -> Report:
    return Report(fixture["report"]["model"], Usage(**fixture["report"]["usage"]))


def test_every_provider_has_a_fixture() -> None:
    assert sorted(FIXTURES) == sorted(PROVIDERS)


@every_provider
def test_each_spelling_of_a_path_leads_to_its_address(slug: str) -> None:
    for path, url in FIXTURES[slug]["urls"].items():
        assert PROVIDERS[slug].url(path, "a=1") == f"{url}?a=1"


@every_provider
def test_the_headers_that_a_vendor_reads_reach_it(slug: str) -> None:
    headers = dict.fromkeys([*FIXTURES[slug]["forwarded"], "cookie", "cf-aig-authorization"], "x")

    sent = request_headers(headers, PROVIDERS[slug].headers, stream=False)

    assert sent.keys() - {"accept-encoding"} == set(FIXTURES[slug]["forwarded"])


@every_provider
def test_a_request_tells_its_model_and_whether_it_streams(slug: str) -> None:
    fixture, dialect = FIXTURES[slug], PROVIDERS[slug].dialect

    whole = dialect.ask(fixture["path"], json.dumps(fixture["request"]))
    stream = dialect.ask(fixture["stream_path"], json.dumps(fixture["stream_request"]))

    assert (whole.model, whole.stream) == (fixture["model"], False)
    assert (stream.model, stream.stream) == (fixture["model"], True)


@every_provider
def test_a_whole_answer_is_metered(slug: str) -> None:
    fixture = FIXTURES[slug]

    report = PROVIDERS[slug].dialect.report(json.dumps(fixture["whole"]))

    assert report == expected(fixture)


@every_provider
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_stream_is_metered_like_the_whole_answer(slug: str, line_end: str) -> None:
    fixture = FIXTURES[slug]
    text = "".join(fixture["stream"]).replace("\n", line_end)

    assert PROVIDERS[slug].dialect.stream_report(text) == expected(fixture)


@every_provider
def test_a_stream_cut_anywhere_is_incomplete(slug: str) -> None:
    text = "".join(FIXTURES[slug]["stream"])
    dialect = PROVIDERS[slug].dialect

    # Everywhere in the last events, and here and there before.
    places = [*range(0, len(text), 29), *range(max(0, len(text) - 300), len(text))]
    complete = [at for at in places if dialect.stream_report(text[:at]).complete]

    assert all(text[at:].strip() == "" for at in complete)


@every_provider
def test_an_error_is_recognised(slug: str) -> None:
    for error in FIXTURES[slug]["errors"]:
        text = json.dumps(error["body"])

        failure = PROVIDERS[slug].dialect.failure(error["status"], text)

        assert failure == Failure(**error["failure"])


@every_provider
@pytest.mark.parametrize("text", ["", "{", "null", "[]", "<html>", '{"error":1}', '{"usage":[]}'])
def test_garbage_raises_nothing(slug: str, text: str) -> None:
    dialect = PROVIDERS[slug].dialect

    assert dialect.failure(503, text).retryable
    assert not dialect.failure(400, text).retryable
    assert dialect.report(text).usage == Usage()
    assert dialect.stream_report(f"data: {text}\n\n").usage == Usage()
    assert dialect.ask("chat/completions", text).stream is False


def test_the_page_of_providers_tells_what_is_declared() -> None:
    assert PAGE.read_text() == page(), "run `make docs`"
