"""The OpenAPI document: made of the table and of the models, so that it tells what is there."""

import json
import re
from typing import Any

import pytest
from pydantic import TypeAdapter

from api import ROUTES
from api.route import shape
from call import Request
from fakes import Bench, told
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
