import json
import re

import pytest

import errors
from errors import GatewayError

EVERY_ERROR = [
    (errors.BadBody("it is no JSON object", "Send one"), 400, 7001),
    (errors.BadHeader("cf-aig-event-id", "\n", "Use letters"), 400, 7001),
    (errors.BadParameter("page", "x", "Use a number"), 400, 7001),
    (errors.BadPath("eu/model", "Begin with a region"), 400, 7001),
    (errors.BadUniversal("entry 2, field `provider`", "Use a slug"), 400, 7001),
    (errors.Invalid([("Required", ["body", "cache_ttl"])]), 400, 7001),
    (errors.BadBaseUrl("http://x", "Use https"), 400, 1002),
    (errors.UnknownGateway(), 400, 2001),
    (errors.UnknownProvider("x", ["openai"]), 400, 2008),
    (errors.UnknownAlias("openai", "prod", ["default"]), 400, 2040),
    (errors.MissingKey("openai", "authorization"), 400, 7502),
    (errors.Unauthorized(), 401, 2009),
    (errors.BadKey("it is no service account"), 401, 2009),
    (errors.Unauthenticated(), 401, 10000),
    (errors.Forbidden("edit"), 403, 10000),
    (errors.Unpriced(), 403, 2040),
    (errors.NotAllowed("model 'x'", "Use y"), 403, 7506),
    (errors.NotFound("/x"), 404, 7000),
    (errors.CustomProviderNotFound("1"), 404, 1004),
    (errors.BodyNotFound("request", "1"), 404, 7002),
    (errors.DatasetNotFound("1"), 404, 7002),
    (errors.EvaluationNotFound("1"), 404, 7002),
    (errors.GatewayNotFound("main"), 404, 7002),
    (errors.KeyNotFound("1"), 404, 7002),
    (errors.LogNotFound("1"), 404, 7002),
    (errors.ProviderNotFound("nobody"), 404, 7002),
    (errors.TokenNotFound("1"), 404, 7002),
    (errors.MethodNotAllowed("PUT", "GET"), 405, 7001),
    (errors.ChangedMeanwhile(), 409, 7508),
    (errors.CustomProviderExists("x"), 409, 1003),
    (errors.GatewayExists("main"), 409, 1003),
    (errors.RateLimited(7), 429, 2003),
    (errors.SpendLimited("rule 'x'", "openai", 7, 1), 429, 2041),
    (errors.ClientLeft(), 499, 2005),
    (errors.Internal(), 500, 7500),
    (errors.Misconfigured("UPSTREAMS is for local runs"), 500, 7501),
    (errors.NotResealed(["1"]), 500, 7501),
    (errors.NotBuilt("It"), 501, 7503),
    (errors.Unreachable("api.openai.com", 12.3), 502, 2005),
    (errors.LimitUnavailable(), 503, 7504),
    (errors.PurgeFailed(), 503, 7505),
    (errors.TailFailed(), 503, 7507),
    (errors.UpstreamTimeout("api.openai.com", 50), 504, 2005),
]


def test_every_error_is_in_this_table() -> None:
    assert {type(error) for error, _, _ in EVERY_ERROR} == set(GatewayError.__subclasses__())


@pytest.mark.parametrize(("error", "status", "code"), EVERY_ERROR)
def test_an_error_has_the_envelope_of_gateways(error: GatewayError, status: int, code: int) -> None:
    assert json.loads(error.envelope()) == {
        "success": False,
        "result": [],
        "messages": [],
        "error": [{"code": code, "message": str(error)}],
        "name": "AiGatewayError",
        "httpCode": status,
        "internalCode": code,
        "message": str(error),
        "description": str(error),
    }


@pytest.mark.parametrize(("error", "_status", "code"), EVERY_ERROR)
def test_an_error_has_the_envelope_of_the_management_api(
    error: GatewayError, _status: int, code: int
) -> None:
    assert json.loads(error.v4_envelope()) == {
        "success": False,
        "result": None,
        "messages": [],
        "errors": error.errors(),
    }
    assert {told["code"] for told in error.errors()} == {code}


def test_an_error_says_what_is_wrong_and_an_invalid_body_where() -> None:
    assert errors.Unauthorized().errors() == [{"code": 2009, "message": "Unauthorized"}]
    assert errors.Invalid([("Required", ["body", "cache_ttl"])]).errors() == [
        {"code": 7001, "message": "Required", "path": ["body", "cache_ttl"]}
    ]


def test_the_tree_at_the_top_of_the_module_is_true() -> None:
    drawn = re.findall(r"[├└]── (\w+) +(\d+) (\d+)", errors.__doc__ or "")

    told = [(type(error).__name__, str(status), str(code)) for error, status, code in EVERY_ERROR]
    assert drawn == told


def test_an_unknown_gateway_has_the_words_that_clients_compare() -> None:
    error = errors.UnknownGateway()

    assert str(error) == "Please configure AI Gateway in the Cloudflare dashboard"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (errors.BadHeader("cf-aig-event-id", "\n", "Use letters"), ["cf-aig-event-id", r"\n"]),
        (errors.BadParameter("page", "zero", "Use a number"), ["page", "zero", "Use a number"]),
        (errors.UnknownProvider("opnai", ["openai", "x"]), ["'opnai'", "openai, x"]),
        (errors.NotFound("/v2"), ["'/v2'", "/v1/{account}/{gateway}/{provider}/{path"]),
        (errors.GatewayNotFound("main"), ["'main'"]),
        (errors.LogNotFound("1"), ["'1'"]),
        (errors.MethodNotAllowed("PUT", "GET"), ["'PUT'", "Use GET"]),
        (errors.Unreachable("api.openai.com", 12.6), ["api.openai.com", "13 ms"]),
        (errors.UpstreamTimeout("api.openai.com", 50), ["api.openai.com", "within 50 ms"]),
    ],
)
def test_a_message_tells_what_was_wrong(error: GatewayError, words: list[str]) -> None:
    assert [word for word in words if word not in str(error)] == []
