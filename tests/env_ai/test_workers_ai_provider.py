"""The npm package `workers-ai-provider` in a Worker that has the gateway bound."""

import pytest

from env_ai.conftest import Caller

SAID = "Hello from the stand-in for Workers AI."


@pytest.mark.parametrize("name", ["chat", "stream"])
def test_a_text_and_its_usage(sdk: Caller, name: str) -> None:
    assert sdk.told(name) == {"text": SAID, "usage": [12, 9]}


def test_a_tool_is_called_and_its_result_is_answered(sdk: Caller) -> None:
    told = sdk.told("tool")

    assert told["text"] == SAID
    assert told["steps"][0][0]["output"] == "It rains in Rome"


def test_embeddings(sdk: Caller) -> None:
    assert sdk.told("embeddings") == [[0.5, -0.25, 0], [0.5, -0.25, 1]]


def test_an_error_of_workers_ai_is_the_client_s_own(sdk: Caller) -> None:
    error = sdk.error("retried")

    assert error["statusCode"] == 400
    assert "5007: No such model" in error["message"]
