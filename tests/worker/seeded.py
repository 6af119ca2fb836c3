"""An account in which there is one of everything, and a document of the API that knows of it."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import httpx

from running import SETTINGS, Gateway, post, until

Json = dict[str, Any]
CHAT = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hello"}]}
DATASET: Json = {"name": "Costly", "enable": True, "filters": []}
PROVIDER: Json = {"name": "Mine", "base_url": "https://models.example.com"}
STORED_KEY: Json = {"provider_slug": "openai", "secret": "sk"}
TOKEN: Json = {"name": "Mine"}

# By the ids of operations.
GATEWAYS = {"replace_gateway": "changed", "delete_logs": "emptied", "delete_gateway": "deleted"}
"""Those of their own, where others need what is in the common one."""
DELETED = {
    "delete_key": "provider_config",
    "delete_dataset": "dataset",
    "delete_evaluation": "evaluation",
    "revoke_token": "token",
    "delete_custom_provider": "custom_provider",
}
"""Of what they have one of their own."""
BODIES: dict[str, Json] = {
    "create_gateway": SETTINGS | {"id": "another"},
    "replace_gateway": SETTINGS,
    "create_key": STORED_KEY,
    "update_key": {"provider_slug": "openai"},
    "create_token": TOKEN,
    "create_custom_provider": PROVIDER | {"slug": "three"},
    "update_custom_provider": PROVIDER,
}


@dataclass
class Seeds:
    """What is there, by what the paths of the API call it."""

    url: str
    """Of the account in the management API."""
    kept: dict[str, str]
    """What everybody may ask for."""
    own: dict[str, dict[str, str]]
    """What an operation has for itself, by its id: it would take it from the others."""
    bodies: dict[str, Json]
    """What operations take, by their ids: a schema does not tell which values name something."""

    def known_to(self, document: Json) -> Json:
        """Return a document of the API in which they are the examples.

        A path that is as the document wants it leads to them, any other one to nothing.
        """
        document = deepcopy(document)
        for operations in document["paths"].values():
            names = operations.pop("parameters")
            for operation in operations.values():
                self._name(operation, deepcopy(names))
        return document

    def _name(self, operation: Json, names: list[Json]) -> None:
        seeds = self.kept | self.own.get(operation["operationId"], {})
        for name in names:
            value = seeds[name["name"]]
            name |= {"example": value, "schema": {"const": value}}
        operation["parameters"] = [*names, *operation.get("parameters", [])]
        if example := self.bodies.get(operation["operationId"]):
            content = operation["requestBody"]["content"]["application/json"]
            content["example"] = example
            members = content["schema"]["properties"]
            for member, value in example.items():
                members[member] = _likely(value, members[member])


def _likely(value: object, schema: Json) -> Json:
    return {"anyOf": [{"const": value}, schema]}


def seeded(gateway: Gateway, account: str) -> Seeds:
    """Fill an account."""
    made = _Account(gateway, account)
    for name in ("kept", "changed", "emptied", "deleted"):
        made.new("gateways", SETTINGS | {"id": name, "authentication": False})
    log, _ = made.log_row("kept"), made.log_row("emptied")
    datasets = made.two("gateways/kept/datasets", DATASET)
    evaluation: Json = {"name": "Cheap", "dataset_ids": datasets[:1]}
    evaluation["evaluation_type_ids"] = ["cost"]
    two = {
        "provider_config": made.two("gateways/kept/provider_configs", STORED_KEY),
        "dataset": datasets,
        "evaluation": made.two("gateways/kept/evaluations", evaluation),
        "token": made.two("tokens", TOKEN),
        "custom_provider": [
            made.new("custom-providers", PROVIDER | {"slug": slug}) for slug in ("one", "two")
        ],
    }
    first = {name: ids[0] for name, ids in two.items()}
    second = {operation: {name: two[name][1]} for operation, name in DELETED.items()}
    return Seeds(
        made.url,
        {"gateway": "kept", "log": log, "provider": "openai"} | first,
        {operation: {"gateway": name} for operation, name in GATEWAYS.items()} | second,
        BODIES | {"create_evaluation": evaluation},
    )


class _Account:
    def __init__(self, gateway: Gateway, account: str) -> None:
        self.url = f"{gateway.url}/client/v4/accounts/{account}/ai-gateway"
        self._requests = f"{gateway.url}/v1/{account}"
        self._headers = {"authorization": f"Bearer {gateway.admin_token}"}

    def new(self, path: str, body: Json) -> str:
        """Make something, and return its id."""
        answer = httpx.post(f"{self.url}/{path}", json=body, headers=self._headers, timeout=30)
        assert answer.is_success, answer.text
        return answer.json()["result"]["id"]

    def two(self, path: str, body: Json) -> list[str]:
        return [self.new(path, body), self.new(path, body)]

    def log_row(self, gateway: str) -> str:
        """Send a request, wait for its row, and return that one's id."""
        url = f"{self._requests}/{gateway}/openai/script/json_answer"
        log_id = post(url, json=CHAT).headers["cf-aig-log-id"]
        row = f"{self.url}/gateways/{gateway}/logs/{log_id}/response"
        until(lambda: httpx.get(row, headers=self._headers).is_success or None, "a log row")
        return log_id
