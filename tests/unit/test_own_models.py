"""WORKERS_AI: models of one's own in place of those of Workers AI."""

import json
from typing import Any

import pytest

from deployment import Deployment
from errors import Misconfigured
from own_models import OwnModel, find

URL = "http://127.0.0.1:11434/v1"
LLAMA = "@cf/meta/llama-3.1-8b-instruct"


def deployed(given: Any, local: bool = True) -> Deployment:
    text = given if isinstance(given, str) else json.dumps(given)
    return Deployment.of({"WORKERS_AI": text}, local)


def test_a_model_is_mapped_to_one_of_a_server() -> None:
    models = deployed({"url": f"{URL}/", "models": {LLAMA: "llama3.1:8b"}}).own_models

    assert find(models, LLAMA) == OwnModel("llama3.1:8b", URL)
    assert models[LLAMA].host == "127.0.0.1:11434"
    assert find(models, "@cf/other") is None


def test_a_star_stands_for_the_models_that_are_not_named() -> None:
    models = deployed({"url": URL, "models": {LLAMA: "llama", "*": "other"}}).own_models

    assert find(models, LLAMA) == OwnModel("llama", URL)
    assert find(models, "@cf/else") == OwnModel("other", URL)


def test_a_model_may_have_a_server_of_its_own_which_gets_no_other_server_s_key() -> None:
    alone = {"model": "bge-m3", "url": "http://vllm:8001/v1"}
    keyed = {"model": "big", "key": "k2"}
    given = {"url": URL, "key": "k1", "models": {"a": alone, "b": keyed, "c": "small"}}

    models = deployed(given).own_models

    assert models["a"] == OwnModel("bge-m3", "http://vllm:8001/v1", None)
    assert models["b"] == OwnModel("big", URL, "k2")
    assert models["c"] == OwnModel("small", URL, "k1")


@pytest.mark.parametrize("text", [None, ""])
@pytest.mark.parametrize("local", [True, False])
def test_without_the_variable_nothing_is_mapped(text: str | None, local: bool) -> None:
    assert Deployment.of({"WORKERS_AI": text}, local).own_models == {}


def test_a_deployed_worker_runs_no_models_elsewhere() -> None:
    with pytest.raises(Misconfigured, match="WORKERS_AI is for local runs"):
        deployed({"url": URL, "models": {LLAMA: "llama"}}, local=False)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("x", "Invalid JSON"),
        ([], "should be an object"),
        ({"url": URL}, "models: Field required"),
        ({"url": URL, "models": {}}, "models: "),
        ({"models": {LLAMA: "llama"}}, "`url` is missing"),
        ({"url": "ftp://x", "models": {LLAMA: "llama"}}, "url: "),
        ({"url": "http://me:secret@x/v1", "models": {LLAMA: "llama"}}, "url: "),
        ({"url": "http://x/v1?a=b", "models": {LLAMA: "llama"}}, "url: "),
        ({"url": "http://x:99999/v1", "models": {LLAMA: "llama"}}, "url: "),
        ({"url": "http://:80/v1", "models": {LLAMA: "llama"}}, "url: "),
        ({"url": URL, "models": {LLAMA: 7}}, f"models.{LLAMA}"),
        ({"url": URL, "models": {LLAMA: ""}}, f"models.{LLAMA}.model"),
        ({"url": URL, "models": {LLAMA: {"name": "llama"}}}, f"models.{LLAMA}"),
        ({"url": URL, "key": "two words", "models": {LLAMA: "llama"}}, "key: "),
        ({"url": URL, "models": {LLAMA: "llama"}, "modles": {}}, "modles: "),
    ],
)
def test_what_cannot_be_used_is_told_with_its_place(given: Any, message: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        deployed(given)

    assert message in refused.value.message
    assert '"models":' in refused.value.message


def test_an_error_shows_no_key() -> None:
    given = {"url": URL, "key": "sk very-secret", "models": {"a": {"model": 1, "key": "sk-other"}}}

    with pytest.raises(Misconfigured) as refused:
        deployed(given)

    assert "secret" not in refused.value.message
    assert "sk-other" not in refused.value.message
    assert "sk-1" not in repr(OwnModel("a", URL, "sk-1"))
