from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call import Ask
from dialects.deployed import deployed
from dialects.openai import OPENAI
from providers import PROVIDERS

CHAT = '{"model":"in-the-body","stream":true,"messages":[]}'
AZURE = PROVIDERS["azure-openai"].dialect
BASETEN = PROVIDERS["baseten"].dialect


@pytest.mark.parametrize(
    ("path", "model", "model_type"),
    [
        ("acme/gpt-4o/chat/completions", "gpt-4o", "text-generation"),
        ("acme/my%20gpt/embeddings", "my gpt", "text-embeddings"),
        ("acme/dall-e/images/generations", "dall-e", "text-to-image"),
        ("acme/whisper/audio/translations", "whisper", "automatic-speech-recognition"),
        ("acme/openai/deployments/gpt-4o/chat/completions", "gpt-4o", "text-generation"),
        ("acme/deployments/chat/completions", "deployments", "text-generation"),
        ("acme-2/v1/chat/completions", "in-the-body", "text-generation"),
        ("acme-2/v1/responses", "in-the-body", "text-generation"),
        ("acme-2/openai/v1/responses/r1", "in-the-body", "text-generation"),
        ("acme-2/openai/responses", "in-the-body", "text-generation"),
        ("acme-2/openai/files", "in-the-body", None),
        ("acme/openai/deployments", "in-the-body", None),
        ("acme/openai/deployments/gpt-4o", "in-the-body", None),
        ("acme", "in-the-body", None),
        ("", "in-the-body", None),
    ],
)
def test_azures_path_names_the_deployment(path: str, model: str, model_type: str | None) -> None:
    told = AZURE.ask(path, CHAT, "")

    assert replace(told, deployed=False) == Ask(model, model_type, True, CHAT)


@pytest.mark.parametrize(
    ("path", "model", "model_type"),
    [
        ("v1/chat/completions", "in-the-body", "text-generation"),
        ("model/abc", "abc", None),
        ("model/abc/", "abc", None),
        ("model/abc/environments/production/predict", "abc", None),
        ("model/abc/environments/production/sync/v1/embeddings", "abc", "text-embeddings"),
        ("model/abc/sync/v1/chat/completions", "abc", "text-generation"),
        ("model", "in-the-body", None),
        ("", "in-the-body", None),
    ],
)
def test_basetens_path_names_the_model(path: str, model: str, model_type: str | None) -> None:
    told = BASETEN.ask(path, CHAT, "")

    assert replace(told, deployed=False) == Ask(model, model_type, True, CHAT)


@pytest.mark.parametrize("path", ["acme/gpt-4o/chat/completions", "acme/v1/chat/completions"])
def test_a_name_that_somebody_gave_to_a_deployment_is_told_from_a_models(path: str) -> None:
    assert AZURE.ask(path, CHAT, "").deployed
    assert not OPENAI.ask("chat/completions", CHAT, "").deployed


def test_all_else_is_openais() -> None:
    dialect = deployed("x")

    assert dialect.report is OPENAI.report
    assert dialect.stream_report is OPENAI.stream_report
    assert dialect.failure is OPENAI.failure
    assert dialect.hidden is OPENAI.hidden
    assert dialect.beside is OPENAI.beside


@given(st.text() | st.lists(st.sampled_from(["model", "openai", "v1", "sync", ""])).map("/".join))
def test_any_path_can_be_asked(path: str) -> None:
    assert AZURE.ask(path, None, "").stream is False
    assert BASETEN.ask(path, None, "").stream is False
