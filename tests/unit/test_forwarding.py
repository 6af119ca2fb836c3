import pytest

from forwarding import forwarded_query, reply_headers, request_headers

ALLOWED = ("authorization", "openai-*")


@pytest.mark.parametrize(
    "name",
    [
        "accept",
        "content-type",
        "content-encoding",
        "idempotency-key",
        "traceparent",
        "range",
        "user-agent",
        "x-stainless-os",
        "authorization",
        "openai-organization",
        "x-request-id",
    ],
)
def test_what_http_sdks_and_the_vendor_define_is_sent(name: str) -> None:
    assert request_headers({name: "x"}, ALLOWED, stream=False)[name] == "x"


@pytest.mark.parametrize(
    "name",
    [
        "cookie",
        "host",
        "connection",
        "transfer-encoding",
        "te",
        "upgrade",
        "proxy-authorization",
        "x-forwarded-for",
        "x-real-ip",
        "forwarded",
        "cf-connecting-ip",
        "cf-ray",
        "cf-worker",
        "cf-aig-authorization",
        "cf-aig-metadata",
        "cf-aig-event-id",
        "true-client-ip",
        "x-api-key",
        "api-key",
        "content-length",
        "referer",
        "origin",
        "sec-fetch-mode",
        "authorization-2",
        "xopenai-key",
        "openai",
        "x-stainless",
    ],
)
def test_everything_else_stays_here(name: str) -> None:
    assert request_headers({name: "x"}, ALLOWED, stream=False) == {"accept-encoding": "identity"}


def test_a_header_of_another_vendor_stays_here() -> None:
    sent = request_headers({"authorization": "x"}, ("x-api-key",), stream=False)

    assert "authorization" not in sent


@pytest.mark.parametrize(
    ("accepted", "stream", "asked"),
    [
        ("gzip, deflate, br", False, "gzip"),
        ("gzip, deflate, br", True, "identity"),
        ("br", False, "identity"),
        (None, False, "identity"),
        (None, True, "identity"),
    ],
)
def test_a_provider_is_asked_for_gzip_where_the_caller_takes_it_and_for_plain_streams(
    accepted: str | None, stream: bool, asked: str
) -> None:
    headers = {"accept-encoding": accepted} if accepted else {}

    assert request_headers(headers, ALLOWED, stream) == {"accept-encoding": asked}


@pytest.mark.parametrize(
    "name",
    [
        "content-type",
        "content-length",
        "content-encoding",
        "retry-after",
        "x-request-id",
        "openai-processing-ms",
        "x-ratelimit-remaining-tokens",
        "etag",
        "cache-control",
    ],
)
def test_a_reply_keeps_what_the_vendor_says(name: str) -> None:
    assert reply_headers({name: "x"}) == {name: "x"}


@pytest.mark.parametrize(
    "name",
    [
        "set-cookie",
        "connection",
        "keep-alive",
        "transfer-encoding",
        "trailer",
        "te",
        "upgrade",
        "proxy-authenticate",
        "alt-svc",
        "strict-transport-security",
        "report-to",
        "nel",
        "cf-ray",
        "cf-cache-status",
        "cf-aig-log-id",
        "access-control-allow-origin",
    ],
)
def test_a_reply_loses_what_belongs_to_the_connection_and_the_site_of_the_vendor(
    name: str,
) -> None:
    assert reply_headers({name: "x"}) == {}


@pytest.mark.parametrize(
    ("accepted", "asked"),
    [
        ("gzip", "gzip"),
        ("br, gzip;q=0.5", "gzip"),
        ("GZIP", "gzip"),
        ("gzip;q=0", "identity"),
        ("gzip; q=0.000", "identity"),
        ("br", "identity"),
        ("", "identity"),
    ],
)
def test_the_provider_is_asked_for_what_the_caller_can_read(accepted: str, asked: str) -> None:
    sent = request_headers({"accept-encoding": accepted}, ALLOWED, stream=False)

    assert sent["accept-encoding"] == asked


@pytest.mark.parametrize("value", ["slu_x", "Bearer slu_x", "Key slu_x", "a, slu_x"])
@pytest.mark.parametrize("name", ["authorization", "openai-project", "user-agent", "accept"])
def test_a_header_with_a_token_of_the_gateway_s_stays_here(name: str, value: str) -> None:
    assert request_headers({name: value}, ALLOWED, stream=False) == {"accept-encoding": "identity"}


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ("", ""),
        ("a=b&c=%2F&d", "a=b&c=%2F&d"),
        ("key=AIza&alt=sse", "key=AIza&alt=sse"),
        ("key=slu_x", ""),
        ("key=slu_x&alt=sse", "alt=sse"),
        ("alt=sse&key=slu_x", "alt=sse"),
        ("a=1&key=slu_x&b=2&token=slu_y", "a=1&b=2"),
    ],
)
def test_a_query_passes_without_the_gateway_s_tokens(query: str, sent: str) -> None:
    assert forwarded_query(query) == sent
