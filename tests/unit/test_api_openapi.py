"""The OpenAPI document: made of the table and of the models, so that it tells what is there."""

import json
import re
from typing import Any

import pytest
from pydantic import TypeAdapter

from api import ROUTES
from api.chart_shape import ShownCharts
from api.log_condition import BOUNDED, KEYS
from api.log_search import ORDERS
from api.log_shape import ShownLog, ShownLogWithHeads, Usage
from api.route import shape
from call import Request
from fakes import Bench, told
from logged import add_body, add_row
from logs.row import UNITS
from management import BASE, asked

OPERATIONS = [(route, method) for route in ROUTES for method in route.actions]


async def document(bench: Bench) -> dict[str, Any]:
    return told(await asked(bench, "GET", "openapi.json"))


async def test_the_document_tells_of_every_route(bench: Bench) -> None:
    paths = (await document(bench))["paths"]

    told_of = {(path, method) for path, item in paths.items() for method in item}
    assert told_of - {(path, "parameters") for path in paths} == {
        (f"/{route.path}", method.lower()) for route, method in OPERATIONS
    }


async def test_the_document_is_for_the_account_that_asks(bench: Bench) -> None:
    (server,) = (await document(bench))["servers"]

    assert BASE.endswith(server["url"])


async def test_every_reference_of_the_document_leads_somewhere(bench: Bench) -> None:
    text = json.dumps(whole := await document(bench))

    named = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    assert named
    assert named <= whole["components"]["schemas"].keys()


async def test_operations_have_names_of_their_own(bench: Bench) -> None:
    paths = (await document(bench))["paths"].values()

    names = [
        each["operationId"] for item in paths for key, each in item.items() if key != "parameters"
    ]
    assert len(names) == len(set(names))


async def test_a_body_tells_what_it_must_hold(bench: Bench) -> None:
    paths = (await document(bench))["paths"]

    def required(path: str, method: str) -> list[str]:
        content = paths[path][method]["requestBody"]["content"]
        return content["application/json"]["schema"].get("required", [])

    assert "cache_ttl" in required("/gateways", "post")
    assert "id" in required("/gateways", "post")
    assert "id" not in required("/gateways/{gateway}", "put")
    assert required("/gateways/{gateway}/datasets", "post") == ["name", "enable", "filters"]
    # Of these, a body names what changes.
    assert required("/custom-providers/{custom_provider}", "patch") == []


async def test_a_stored_key_must_be_sent_and_may_be_left_as_it_is(bench: Bench) -> None:
    paths = (await document(bench))["paths"]

    def keys(path: str, method: str) -> dict[str, Any]:
        content = paths[f"/gateways/{{gateway}}/provider_configs{path}"][method]["requestBody"]
        return content["content"]["application/json"]["schema"]

    assert keys("", "post")["required"] == ["provider_slug", "secret"]
    assert "required" not in keys("/{provider_config}", "put")


@pytest.mark.parametrize("name", ["Otel", "GivenOtel"])
async def test_nothing_is_offered_that_is_always_refused(bench: Bench, name: str) -> None:
    members = (await document(bench))["components"]["schemas"][name]["properties"]

    assert members.keys() == {"url", "headers", "authorization", "content_type"}
    assert members["content_type"]["const"] == "json"


@pytest.mark.parametrize("scope", ["run", "read", "edit"])
async def test_every_token_may_read_the_document(bench: Bench, scope: str) -> None:
    made = await bench.manage("POST", "tokens", name="ci", scopes=[scope], gateways=["main"])
    headers = {"authorization": f"Bearer {made['value']}"}

    assert (await bench.handle(Request("GET", f"{BASE}/openapi.json", headers))).status == 200


async def test_without_a_token_nobody_reads_the_document(bench: Bench) -> None:
    assert (await bench.handle(Request("GET", f"{BASE}/openapi.json", {}))).status == 401


@pytest.mark.parametrize("path", ["gateways", "gateways/main", "evaluation-types", "tokens"])
async def test_what_is_shown_is_what_the_models_say(bench: Bench, path: str) -> None:
    await bench.manage("POST", "tokens", name="ci")
    template = path.replace("main", "{gateway}")
    (route,) = [route for route in ROUTES if route.path == template]

    result = told(await asked(bench, "GET", path))["result"]

    assert result
    TypeAdapter[Any](shape(route.actions["GET"]).result).validate_python(result)


async def test_a_log_is_shown_as_its_model_says(bench: Bench) -> None:
    whole = add_row(bench.database, metadata={"team": "blue", "n": 7}, feedback=1, score=0.5)
    add_row(bench.database, units=json.dumps(dict.fromkeys(UNITS, 1.5)), skipped="[0]", flags="[]")
    add_body(bench.database, whole, "request", "hello")

    listed = told(await asked(bench, "GET", "gateways/main/logs"))["result"]
    found = told(await asked(bench, "GET", f"gateways/main/logs/{whole}"))["result"]
    charts = told(await asked(bench, "GET", "gateways/main/analytics?group_by=model"))["result"]

    # Models that forbid what they do not name.
    TypeAdapter(list[ShownLog]).validate_python(listed)
    ShownLogWithHeads.model_validate(found)
    ShownCharts.model_validate(charts)
    assert len(listed) == 2
    assert charts["series"]
    assert charts["latency"]
    assert charts["metadata"]


def test_units_are_those_that_the_log_keeps() -> None:
    counted = {name for name, field in Usage.model_fields.items() if not field.is_required()}

    assert counted == set(UNITS)


async def test_every_parameter_of_the_log_is_told(bench: Bench) -> None:
    paths = (await document(bench))["paths"]

    named = {
        one["name"]: one["schema"] for one in paths["/gateways/{gateway}/logs"]["get"]["parameters"]
    }
    bounds = {f"{end}_{name}" for end in ("min", "max") for name in BOUNDED}
    assert bounds | {"search", "feedback", "direction", "meta_info"} <= named.keys()
    assert tuple(named["order_by"]["enum"]) == ORDERS
    assert named["per_page"]["maximum"] == 50
    [items] = [named["filters"]["contentSchema"]["items"]["$ref"].rpartition("/")[2]]
    schemas = (await document(bench))["components"]["schemas"]
    assert schemas[items]["properties"]["key"]["enum"] == list(KEYS)
    patch = paths["/gateways/{gateway}/logs/{log}"]["patch"]["requestBody"]["content"]
    assert patch["application/json"]["schema"]["properties"].keys() == {
        "feedback",
        "score",
        "metadata",
    }
    assert patch["application/json"]["schema"]["additionalProperties"] is False
