"""The encryption secret is replaced, the old one and the new one side by side for a while."""

import json
from pathlib import Path
from typing import Any

import httpx

from running import Gateway, serving
from worker.scripted import ScriptedUpstream
from worker.scripts import CHAT

A, B, C = (f"secret number {letter}, of forty characters" for letter in "ABC")


def test_the_encryption_secret_can_be_replaced_while_keys_are_stored(
    tmp_path: Path, upstream: ScriptedUpstream
) -> None:
    local = {"UPSTREAMS": json.dumps({"openai": upstream.base_url})}

    with serving(tmp_path, ENCRYPTION_KEY=A, **local) as gateway:
        gateway.store("openai", "sk-rotates")
        assert used(gateway, upstream) == "Bearer sk-rotates"

    with serving(tmp_path, ENCRYPTION_KEY=C, **local) as gateway:
        told = ask(gateway)
        assert (told.status_code, told.json()["internalCode"]) == (500, 7501)
        assert "ENCRYPTION_KEY_OLD" in told.json()["message"]
        refused = httpx.post(
            f"{gateway.management}/provider_configs/reseal", headers=admin(gateway)
        )
        assert refused.status_code == 500, refused.text
        assert refused.json()["errors"][0]["code"] == 7501
        assert "sk-rotates" not in told.text + refused.text

    with serving(tmp_path, ENCRYPTION_KEY=B, ENCRYPTION_KEY_OLD=A, **local) as gateway:
        assert used(gateway, upstream) == "Bearer sk-rotates"
        assert reseal(gateway) == {"resealed": 1, "total": 1}
        assert reseal(gateway) == {"resealed": 0, "total": 1}
        assert used(gateway, upstream) == "Bearer sk-rotates"

    with serving(tmp_path, ENCRYPTION_KEY=B, **local) as gateway:
        assert used(gateway, upstream) == "Bearer sk-rotates"
        assert b"sk-rotates" not in gateway.at_rest()


def admin(gateway: Gateway) -> dict[str, str]:
    return {"authorization": f"Bearer {gateway.admin_token}"}


def reseal(gateway: Gateway) -> dict[str, Any]:
    return gateway.manage("POST", f"/gateways/{gateway.name}/provider_configs/reseal")


def ask(gateway: Gateway) -> httpx.Response:
    return httpx.post(f"{gateway.openai}/script/json_answer", json={}, timeout=30)


def used(gateway: Gateway, upstream: ScriptedUpstream) -> str | None:
    """Return the key with which the provider was asked."""
    assert ask(gateway).content == CHAT
    return upstream.last().header("authorization")
