import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import BadKey, BadPath
from fakes import Bench, FakeBody, FakeClock, FakeFetch, RealCrypto, a_request, an_answer
from forwarding import request_headers
from ports import Outgoing
from providers import PROVIDERS
from signing.base import Means

BEDROCK = PROVIDERS["aws-bedrock"]
STORED = '{"accessKeyId":"AKID","secretAccessKey":"hush-hush"}'
DOMAINS = (
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".amazonaws.eu",
    ".api.aws",
    ".api.amazonwebservices.com.cn",
)
SIGNED = {
    "authorization": "AWS4-HMAC-SHA256 Credential=AKID/20261122/us-east-1/bedrock/aws4_request, "
    "SignedHeaders=content-type;host;x-amz-date, Signature=00",
    "content-type": "application/json",
    "x-amz-date": "20261122T070000Z",
    "x-amz-security-token": "tok",
    "x-amz-content-sha256": "00",
    "amz-sdk-invocation-id": "i-1",
}


@pytest.mark.parametrize(
    "region",
    [
        "us-east-1",
        "us-gov-west-1",
        "ap-southeast-5",
        "il-central-1",
        "mx-central-1",
        "eusc-de-east-1",
        "cn-northwest-1",
        "af-south-1",
        "ap-northeast-10",
    ],
)
@pytest.mark.parametrize("surface", ["bedrock-runtime", "bedrock-mantle"])
def test_a_region_becomes_part_of_the_host(surface: str, region: str) -> None:
    url = BEDROCK.url("acme", f"{surface}/{region}/v1/models", "")

    assert url.startswith(f"https://{surface}.{region}.a")
    assert url.endswith("/v1/models")


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("bedrock-runtime/cn-north-1/a", "https://bedrock-runtime.cn-north-1.amazonaws.com.cn/a"),
        (
            "bedrock-mantle/cn-north-1/a",
            "https://bedrock-mantle.cn-north-1.api.amazonwebservices.com.cn/a",
        ),
    ],
)
def test_china_has_domains_of_its_own(path: str, url: str) -> None:
    assert BEDROCK.url("acme", path, "") == url


@pytest.mark.parametrize(
    "path",
    [
        "",
        "model/m/converse",
        "v1/chat/completions",
        "bedrock-runtime",
        "bedrock-runtime/us-east-1",
        "bedrock-runtime//model/m/converse",
        "bedrock/us-east-1/model/m/converse",
        "bedrock-agent/us-east-1/model/m/converse",
        "/bedrock-runtime/us-east-1/a",
        "bedrock-runtime/us-east/a",
        "bedrock-runtime/us-east-1.evil.test/a",
        "bedrock-runtime/evil.test/a",
        "bedrock-runtime/evil.test%2F/a",
        "bedrock-runtime/us-east-1#/a",
        "bedrock-runtime/us-east-1:443/a",
        "bedrock-runtime/x@us-east-1/a",
        "bedrock-runtime/us-east-1%00/a",
        "bedrock-runtime/us-east-1\n/a",
        "bedrock-runtime/us-east-1\\/a",
        "bedrock-runtime/US-EAST-1/a",
        "bedrock-runtime/us-east-\u0661/a",
        "bedrock-runtime/us-east-100/a",
        "bedrock-runtime/us-easteasteasteast-1/a",
        "bedrock-runtime/us-a-b-c-east-1/a",
        "bedrock-runtime/-us-east-1/a",
        "bedrock-runtime/us--east-1/a",
    ],
)
def test_what_is_no_region_is_no_part_of_a_host(path: str) -> None:
    with pytest.raises(BadPath):
        BEDROCK.url("acme", path, "")


@given(st.text() | st.from_regex(r"bedrock-(runtime|mantle)/[^/]*/.*"))
def test_no_path_leads_elsewhere(path: str) -> None:
    try:
        host = BEDROCK.url("acme", path, "").split("/")[2]
    except BadPath:
        return

    assert host.startswith(("bedrock-runtime.", "bedrock-mantle."))
    assert host.endswith(DOMAINS)
    assert host.replace("-", "").replace(".", "").isalnum()


@pytest.mark.parametrize(
    "rest",
    [
        "model/amazon.nova-lite-v1:0/converse",
        "model/amazon.nova-lite-v1%3A0/converse",
        "model/amazon.nova-lite-v1%3a0/converse",
        "model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.a/invoke",
        "model//a b/%7E~/",
        "",
    ],
)
def test_the_rest_of_a_path_stays_as_it_was_signed(rest: str) -> None:
    url = BEDROCK.url("acme", f"bedrock-runtime/us-east-1/{rest}", "b=%2F&a")

    assert url == f"https://bedrock-runtime.us-east-1.amazonaws.com/{rest}?b=%2F&a"


def test_another_base_replaces_scheme_and_host() -> None:
    path = "bedrock-runtime/us-east-1/model/a%3A0/converse"

    url = BEDROCK.url("acme", path, "", "http://127.0.0.1:1/aws")

    assert url == "http://127.0.0.1:1/aws/model/a%3A0/converse"


def test_headers_of_other_kinds_of_amazons_stay_here() -> None:
    others = {"x-amzn-trace-id": "Root=1", "x-amzn-oidc-data": "x", "cf-aig-authorization": "x"}

    sent = request_headers(SIGNED | others, BEDROCK.forwarded, stream=True)

    assert sent == SIGNED | {"accept-encoding": "identity"}


async def test_what_a_caller_has_signed_reaches_amazon_as_it_is(bench: Bench) -> None:
    bench.fetch.script.append(an_answer('{"usage":{"inputTokens":1,"outputTokens":2}}'))
    rest = "model/amazon.nova-lite-v1%3A0/converse"
    url = f"https://sluice.test/v1/acme/main/aws-bedrock/bedrock-runtime/us-east-1/{rest}"

    reply = await bench.handle(a_request(SIGNED, "{}", url=url))

    [sent] = bench.fetch.sent
    assert reply.status == 200
    assert (sent.method, sent.url) == (
        "POST",
        f"https://bedrock-runtime.us-east-1.amazonaws.com/{rest}",
    )
    assert sent.headers.items() >= SIGNED.items()


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("bedrock-runtime/us-east-1/model/m/converse", "us-east-1/bedrock"),
        ("bedrock-runtime/cn-north-1/openai/v1/responses", "cn-north-1/bedrock"),
        ("bedrock-mantle/eu-west-1/v1/responses", "eu-west-1/bedrock-mantle"),
        ("bedrock-mantle/eu-west-1/anthropic/v1/messages", "eu-west-1/bedrock-mantle"),
    ],
)
async def test_a_signature_holds_for_the_region_and_the_service_of_the_path(
    path: str, scope: str
) -> None:
    headers = await authorized(STORED, path)

    assert f"Credential=AKID/20261122/{scope}/aws4_request" in headers["authorization"]


@pytest.mark.parametrize("key", ["ABSKkey", None])
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("bedrock-runtime/us-east-1/model/m/converse", {"authorization": "Bearer ABSKkey"}),
        ("bedrock-mantle/us-east-1/v1/responses", {"authorization": "Bearer ABSKkey"}),
        ("bedrock-mantle/us-east-1/openai/v1/responses", {"authorization": "Bearer ABSKkey"}),
        ("bedrock-mantle/us-east-1/anthropic/v1/messages", {"x-api-key": "ABSKkey"}),
    ],
)
async def test_an_api_key_stored_or_a_callers_goes_where_amazon_looks_for_it(
    path: str, expected: dict[str, str], key: str | None
) -> None:
    headers = {} if key else {"authorization": "Bearer ABSKkey"}

    assert await authorized(key, path, headers) == expected


async def test_a_stored_key_that_is_incomplete_is_told_without_what_it_holds() -> None:
    with pytest.raises(BadKey) as caught:
        await authorized('{"secretAccessKey":"hush-hush"}', "bedrock-runtime/us-east-1/a")

    assert "accessKeyId" in caught.value.message
    assert "hush" not in caught.value.message


async def authorized(
    key: str | None, path: str, headers: dict[str, str] | None = None
) -> dict[str, str]:
    assert BEDROCK.authorize
    url = BEDROCK.url("acme", path, "")
    outgoing = Outgoing("POST", url, url.split("/")[2], headers or {}, FakeBody("{}"))
    means = Means(FakeFetch(), RealCrypto(), FakeClock(1_795_330_800_000.0), {})
    return dict(await BEDROCK.authorize(key, path, outgoing, means))
