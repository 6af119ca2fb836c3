"""AWS's own SDK, unmodified: signed by the client, by the gateway, or with an API key."""

# The SDK's own types are not whole.
# pyright: reportUnknownMemberType=false

import base64
import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore import UNSIGNED
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import EventStreamError
from botocore.session import Session
from botocore.tokens import FrozenAuthToken

from clients.rows import only_row
from clients.vendor import Answer, Asked, Vendor
from running import Gateway
from worker.overloads import frame

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient
    from mypy_boto3_bedrock_runtime.type_defs import MessageTypeDef

NOVA = "amazon.nova-lite-v1:0"
CLAUDE = "anthropic.claude-haiku-4-5-20251001-v1:0"
HELLO: list["MessageTypeDef"] = [{"role": "user", "content": [{"text": "Grüße 👋"}]}]
MESSAGES = json.dumps({"max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]})
REGION = "us-east-1"
AWS = f"https://bedrock-runtime.{REGION}.amazonaws.com"
KEYS = Credentials("AKIDEXAMPLE", "a-secret-access-key", "a-session-token")
STORED = json.dumps(
    {"accessKeyId": KEYS.access_key, "secretAccessKey": KEYS.secret_key, "sessionToken": KEYS.token}
)
CONVERSED = Answer(
    json.dumps(
        {
            "output": {"message": {"role": "assistant", "content": [{"text": "Hello"}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 11, "outputTokens": 7, "totalTokens": 18},
            "metrics": {"latencyMs": 1},
        }
    ).encode()
)
FRAMES = "application/vnd.amazon.eventstream"
DELTA = frame("event", "contentBlockDelta", '{"contentBlockIndex": 0, "delta": {"text": "Hello"}}')
STREAMED = (
    frame("event", "messageStart", '{"role": "assistant"}')
    + DELTA
    + frame("event", "messageStop", '{"stopReason": "end_turn"}')
    + frame("event", "metadata", '{"usage": {"inputTokens": 11, "outputTokens": 7}}')
)
THROTTLED = frame("exception", "throttlingException", '{"message": "Too many requests"}')
METRICS = {"inputTokenCount": 11, "outputTokenCount": 7}


class ApiKey:
    """What AWS's SDK asks for a Bedrock API key."""

    def load_token(self, **_: Any) -> FrozenAuthToken:
        return FrozenAuthToken("a-bedrock-api-key")


def client(address: str | None, session: Session | None = None, **more: Any) -> Any:
    config = Config(retries={"total_max_attempts": 1}, **more)
    made = boto3.Session(botocore_session=session or Session(), region_name=REGION)
    return made.client("bedrock-runtime", endpoint_url=address, config=config)


def signing(gateway: Gateway) -> "BedrockRuntimeClient":
    """Sign for AWS, and then send to the gateway: a signature holds for one host."""
    session = Session()
    session.set_credentials(KEYS.access_key, KEYS.secret_key, KEYS.token)
    return sent_to(address(gateway), AWS, client(None, session))


def unsigned(gateway: Gateway) -> "BedrockRuntimeClient":
    """Leave it to the gateway to sign."""
    gateway.store("aws-bedrock", STORED)
    return client(address(gateway), signature_version=UNSIGNED)


def bearing(gateway: Gateway) -> "BedrockRuntimeClient":
    """Send a Bedrock API key."""
    session = Session()
    session.register_component("token_provider", ApiKey())
    # Which it wants to send through TLS alone; a gateway on this machine has none.
    secure = address(gateway).replace("http:", "https:")
    bearing = client(secure, session, signature_version="bearer")
    return sent_to(address(gateway), secure, bearing)


def sent_to(address: str, instead_of: str, client: Any) -> "BedrockRuntimeClient":
    def redirect(request: AWSPreparedRequest, **_: Any) -> None:
        request.url = address + str(request.url).removeprefix(instead_of)

    client.meta.events.register("before-send.bedrock-runtime", redirect)
    return client


def address(gateway: Gateway) -> str:
    return f"{gateway.address}/aws-bedrock/bedrock-runtime/{REGION}"


def holds(asked: Asked) -> bool:
    """Return whether a signature holds for what came, as AWS's own library makes it.

    The client signed for AWS, the gateway for whom it sent to.
    """
    return any(holds_at(host, asked) for host in (AWS, f"http://{asked.headers['host']}"))


def holds_at(host: str, asked: Asked) -> bool:
    told = dict(part.split("=", 1) for part in asked.headers["authorization"].split(", "))
    names = told["SignedHeaders"].split(";")
    headers = {name: asked.headers[name] for name in names if name != "host"}
    request = AWSRequest("POST", host + asked.path, headers, asked.body)
    request.context["timestamp"] = asked.headers["x-amz-date"]
    verifier = SigV4Auth(KEYS.get_frozen_credentials(), "bedrock", REGION)
    wanted = verifier.string_to_sign(request, verifier.canonical_request(request))
    return verifier.signature(wanted, request) == told["Signature"]


@pytest.fixture(params=[signing, unsigned])
def signed(request: pytest.FixtureRequest, place: Gateway) -> Iterator["BedrockRuntimeClient"]:
    """Clients whose requests reach AWS with a signature."""
    made = request.param(place)
    yield made
    made.close()


def metered(place: Gateway, model: str) -> None:
    row = only_row(place)
    assert (row["provider"], row["model"], row["success"]) == ("aws-bedrock", model, True)
    assert (row["tokens_in"], row["tokens_out"]) == (11, 7)


def test_converse(signed: "BedrockRuntimeClient", place: Gateway, vendor: Vendor) -> None:
    vendor.answers["/converse"] = CONVERSED

    answer = signed.converse(modelId=NOVA, messages=HELLO)

    assert answer["usage"]["totalTokens"] == 18
    assert holds(vendor.asked[0])
    metered(place, NOVA)


def test_converse_as_a_stream(
    signed: "BedrockRuntimeClient", place: Gateway, vendor: Vendor
) -> None:
    vendor.answers["/converse-stream"] = Answer(STREAMED, FRAMES)

    events = list(signed.converse_stream(modelId=NOVA, messages=HELLO)["stream"])

    assert [list(event) for event in events] == [
        ["messageStart"],
        ["contentBlockDelta"],
        ["messageStop"],
        ["metadata"],
    ]
    assert holds(vendor.asked[0])
    metered(place, NOVA)


def test_a_model_that_is_invoked(
    signed: "BedrockRuntimeClient", place: Gateway, vendor: Vendor
) -> None:
    said = b'{"content": [{"type": "text", "text": "Hello"}]}'
    counts = {
        "x-amzn-bedrock-input-token-count": "11",
        "x-amzn-bedrock-output-token-count": "7",
    }
    vendor.answers["/invoke"] = Answer(said, headers=counts)

    answer = signed.invoke_model(
        modelId=CLAUDE, body=MESSAGES, accept="application/json", trace="ENABLED"
    )

    assert answer["body"].read() == said
    assert vendor.asked[0].headers["x-amzn-bedrock-trace"] == "ENABLED"
    assert holds(vendor.asked[0])
    metered(place, CLAUDE)


def test_a_model_that_is_invoked_as_a_stream(
    signed: "BedrockRuntimeClient", place: Gateway, vendor: Vendor
) -> None:
    parts: list[Mapping[str, Any]] = [
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hello"}},
        {"type": "message_stop", "amazon-bedrock-invocationMetrics": METRICS},
    ]
    carried = [base64.b64encode(json.dumps(part).encode()).decode() for part in parts]
    frames = [frame("event", "chunk", json.dumps({"bytes": part})) for part in carried]
    vendor.answers["/invoke-with-response-stream"] = Answer(b"".join(frames), FRAMES)

    answer = signed.invoke_model_with_response_stream(modelId=CLAUDE, body=MESSAGES)

    said = [json.loads(event.get("chunk", {}).get("bytes", b"")) for event in answer["body"]]
    assert said == parts
    assert holds(vendor.asked[0])
    metered(place, CLAUDE)


def test_an_api_key_takes_the_place_of_a_signature(place: Gateway, vendor: Vendor) -> None:
    vendor.answers["/converse"] = CONVERSED
    made = bearing(place)

    made.converse(modelId=NOVA, messages=HELLO)
    made.close()

    (asked,) = vendor.asked
    assert asked.headers["authorization"] == "Bearer a-bedrock-api-key"
    assert urlsplit(asked.path).path == f"/model/{NOVA.replace(':', '%3A')}/converse"
    metered(place, NOVA)


def test_an_error_of_the_provider_is_the_client_s_own_error(
    signed: "BedrockRuntimeClient", place: Gateway, vendor: Vendor
) -> None:
    kind = {"x-amzn-errortype": "ThrottlingException:http://internal.amazon.com/"}
    vendor.answers["/converse"] = Answer(b'{"message": "Slow down"}', status=429, headers=kind)

    with pytest.raises(signed.exceptions.ThrottlingException) as raised:
        signed.converse(modelId=NOVA, messages=HELLO)

    assert raised.value.response.get("Error", {}).get("Message") == "Slow down"
    row = only_row(place)
    assert (row["model"], row["status_code"], row["success"]) == (NOVA, 429, False)
    assert row["provider_error"] == "ThrottlingException"


def test_an_error_within_a_stream_is_the_client_s_own_error(
    signed: "BedrockRuntimeClient", place: Gateway, vendor: Vendor
) -> None:
    vendor.answers["/converse-stream"] = Answer(DELTA + THROTTLED, FRAMES)
    stream = signed.converse_stream(modelId=NOVA, messages=HELLO)["stream"]

    with contextlib.closing(stream), pytest.raises(EventStreamError) as raised:
        list(stream)

    assert raised.value.response.get("Error", {}).get("Code") == "throttlingException"
    row = only_row(place)
    assert (row["model"], row["status_code"], row["success"]) == (NOVA, 200, False)
