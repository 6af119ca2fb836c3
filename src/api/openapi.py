"""The management API as an OpenAPI 3.1 document, made of its table and of its models."""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, get_origin

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from api.route import Action, Route, Shape, shape
from call import Reply
from errors import (
    Forbidden,
    GatewayError,
    GatewayNotFound,
    Internal,
    Invalid,
    MethodNotAllowed,
    Unauthenticated,
)

_COMPONENTS = "#/components/schemas/"
_HEADERS = {"content-type": "application/json", "cache-control": "no-store"}


class PageInfo(BaseModel):
    """Which page of a list this is."""

    page: int
    per_page: int
    count: int
    """Entries on this page."""
    total_count: int


class Problem(BaseModel):
    """What is wrong."""

    code: int
    message: str
    path: list[str] = []
    """Where, for what is wrong with a body or a query."""


class Failure(BaseModel):
    """What every error is answered with."""

    success: bool
    result: None
    messages: list[str]
    errors: list[Problem]


def document(account: str, routes: Sequence[Route]) -> Reply:
    """Return the API of an account as an OpenAPI document."""
    server = f"/client/v4/accounts/{account}/ai-gateway"
    return Reply(
        200, dict(_HEADERS), json.dumps(_described(tuple(routes)) | {"servers": [{"url": server}]})
    )


@lru_cache(maxsize=1)
def _described(routes: tuple[Route, ...]) -> dict[str, Any]:
    schemas = _Schemas()
    paths = {f"/{route.path}": dict(_operations(route, schemas)) for route in routes}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Sluice management API", "version": "4"},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas.components,
        },
    }


class _Schemas:
    """JSON schemas of types, those of models under their names."""

    def __init__(self) -> None:
        self.components: dict[str, Any] = {}

    def given(self, model: type[BaseModel]) -> dict[str, Any]:
        """Return the schema of what a request holds: with a default, a member may be missing."""
        return self._of(model, "validation", "Given")

    def told(self, kind: Any) -> dict[str, Any]:
        """Return the schema of what an answer holds: every member is there."""
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            return self._of(kind, "serialization")
        if kind.__name__ not in self.components:
            self.components[kind.__name__] = self._of(kind, "serialization")
        return {"$ref": f"{_COMPONENTS}{kind.__name__}"}

    def _of(self, kind: Any, mode: JsonSchemaMode, prefix: str = "") -> dict[str, Any]:
        template = f"{_COMPONENTS}{prefix}{{model}}"
        schema = TypeAdapter(kind).json_schema(ref_template=template, mode=mode)
        parts = schema.pop("$defs", {})
        self.components |= {prefix + name: part for name, part in parts.items()}
        return schema


def _operations(route: Route, schemas: _Schemas) -> Iterator[tuple[str, Any]]:
    yield "parameters", [_parameter(name, "path", {"type": "string"}) for name in route.names]
    for method, action in route.actions.items():
        said = shape(action)
        operation: dict[str, Any] = {
            "operationId": action.__name__,
            "summary": _summary(action),
            "tags": [route.resource],
            "responses": _responses(route, said, schemas),
        }
        if said.query:
            operation["parameters"] = list(_query(said.query, schemas))
        if said.body:
            operation["requestBody"] = {"required": True, **_json(_body(said, schemas))}
        yield method.lower(), operation


def _summary(action: Action) -> str:
    return (action.__doc__ or "").strip().partition("\n")[0].partition(" Raises")[0]


def _body(said: Shape, schemas: _Schemas) -> dict[str, Any]:
    schema = schemas.given(said.body) if said.body else {}
    return {key: value for key, value in schema.items() if not (said.partial and key == "required")}


def _query(model: type[BaseModel], schemas: _Schemas) -> Iterator[dict[str, Any]]:
    for name, given in schemas.given(model)["properties"].items():
        # A query has no null: one that says nothing of something leaves it out.
        kinds = [kind for kind in given.get("anyOf", []) if kind != {"type": "null"}]
        schema = {"title": given["title"], **kinds[0]} if kinds else given
        yield _parameter(name, "query", schema)


def _parameter(name: str, place: str, schema: object) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


def _responses(route: Route, said: Shape, schemas: _Schemas) -> dict[str, Any]:
    failure = _json(schemas.told(Failure))
    refusals = {
        str(error.status): {"description": error.__name__, **failure}
        for error in _errors(route, said)
    }
    result = schemas.told(said.result)
    done = result if said.bare else _envelope(result, get_origin(said.result) is list, schemas)
    return {
        "200": {"description": "Done", **_content(done, said.bare or "application/json")}
    } | refusals


def _errors(route: Route, said: Shape) -> Iterable[type[GatewayError]]:
    yield from (Unauthenticated, Forbidden, MethodNotAllowed, Internal)
    if said.body or said.query:
        yield Invalid
    if route.names:
        yield GatewayNotFound
    yield from said.refusals


def _envelope(result: dict[str, Any], listed: bool, schemas: _Schemas) -> dict[str, Any]:
    nothing = {"type": "array", "maxItems": 0}
    parts = {"success": {"const": True}, "errors": nothing, "messages": nothing, "result": result}
    if listed:
        parts["result_info"] = schemas.told(PageInfo)
    return {"type": "object", "required": list(parts), "properties": parts}


def _json(schema: object) -> dict[str, Any]:
    return _content(schema, "application/json")


def _content(schema: object, media: str) -> dict[str, Any]:
    return {"content": {media: {"schema": schema}}}
