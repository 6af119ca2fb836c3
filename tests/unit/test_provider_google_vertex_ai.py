import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import BadPath
from providers import PROVIDERS

VERTEX = PROVIDERS["google-vertex-ai"]
MODEL = "publishers/google/models/gemini-2.5-flash:generateContent"


def url(path: str) -> str:
    return VERTEX.url("acme", path, "")


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("us-central1", "us-central1-aiplatform.googleapis.com"),
        ("australia-southeast1", "australia-southeast1-aiplatform.googleapis.com"),
        ("asia", "asia-aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("us", "aiplatform.us.rep.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
    ],
)
@pytest.mark.parametrize("version", ["v1", "v1beta1", "v2"])
def test_the_location_tells_the_host(version: str, location: str, host: str) -> None:
    path = f"{version}/projects/my-project/locations/{location}/{MODEL}"

    assert url(path) == f"https://{host}/{path}"


@pytest.mark.parametrize(
    "path",
    [
        "v1/projects/example.com:p/locations/us-east5/publishers/a/models/b%40c:rawPredict",
        "v1/projects/%70/locations/us-east5//publishers/../x;y=1/%2e%2E%2f:z",
    ],
)
def test_the_path_passes_byte_for_byte(path: str) -> None:
    assert url(path) == f"https://us-east5-aiplatform.googleapis.com/{path}"


def test_express_mode_has_neither_project_nor_location() -> None:
    assert url(f"v1beta1/{MODEL}") == f"https://aiplatform.googleapis.com/v1beta1/{MODEL}"


@pytest.mark.parametrize(
    "location",
    [
        "",
        "US-central1",
        "us_central1",
        "us.central1",
        "evil.test%2F",
        "evil.test#",
        "evil.test?",
        "x@evil.test",
        "us%2Dcentral1",
        "-us",
        "us-",
        "us--central1",
        "xn--us",
        "us-central1-a",
        "us-central1\n",
        "1us",
        "é",
        "a" * 21,
        f"us-{'a' * 21}",
    ],
)
def test_a_location_that_is_none_is_refused(location: str) -> None:
    with pytest.raises(BadPath, match=r"projects/\{project\}/locations/\{location\}/"):
        url(f"v1/projects/p/locations/{location}/{MODEL}")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "v1",
        "v1/projects",
        "v1/projects/p",
        "v1/projects/p/locations/us-central1",
        "v1/projects/p/locations/us-central1/",
        "v1/projects//locations/us-central1/x",
        "v1/publishers/",
        "/v1/publishers/x",
        "V1/publishers/x",
        "v/publishers/x",
        "projects/p/locations/us-central1/x",
        "openai/chat/completions",
    ],
)
def test_a_path_without_a_place_is_refused(path: str) -> None:
    with pytest.raises(BadPath):
        url(path)


@given(st.from_regex(re.compile(r"(v1/projects/)?[^?]*locations/.*"), fullmatch=True) | st.text())
def test_no_path_leads_away_from_google(path: str) -> None:
    try:
        told = url(path)
    except BadPath:
        return
    host = told.removeprefix("https://").removesuffix(f"/{path}")
    assert re.fullmatch(r"([a-z0-9-]+-)?aiplatform(\.(us|eu)\.rep)?\.googleapis\.com", host)


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"authorization": "Bearer ya29.x"}, ""),
        ({"x-goog-api-key": "AIza"}, ""),
        ({}, "alt=sse&key=AIza"),
    ],
)
def test_a_key_is_found_wherever_google_looks_for_it(headers: dict[str, str], query: str) -> None:
    assert VERTEX.key.given(headers, query)
    assert not VERTEX.key.given({"x-goog-user-project": "p"}, "alt=sse")
