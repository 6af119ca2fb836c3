"""LiteLLM's proxy: one process as plain as can be, and one for all else that it is asked for."""

import json
from pathlib import Path
from typing import Any

from bench.ends import Upstream
from bench.install import python_peers
from bench.process import Program
from bench.sites import LIMIT, MODEL, Door, Feature, Site
from serve.listening import free_port

PATH = "/v1/chat/completions"
VARIABLES = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # which it would else download when it starts
    "LITELLM_LOG": "CRITICAL",
}
QUIET = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {
        name: {"level": "CRITICAL", "propagate": False}
        for name in ("uvicorn", "uvicorn.access", "uvicorn.error")
    },
}


def litellm(folder: Path, upstream: Upstream) -> Site:
    """Set up both."""
    plain, rest = free_port(), free_port()
    programs = [
        _program(folder / "plain", plain, _plain(upstream)),
        _program(folder / "rest", rest, _rest(upstream)),
    ]
    return Site(programs, _doors(plain, rest))


def _program(folder: Path, port: int, config: dict[str, Any]) -> Program:
    folder.mkdir(parents=True, exist_ok=True)
    # JSON is YAML.
    (folder / "config.yaml").write_text(json.dumps(config, indent=2))
    (folder / "logging.json").write_text(json.dumps(QUIET))
    command = [
        *(python_peers() / "litellm", "--config", "config.yaml"),
        *("--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"),
        *("--telemetry", "False", "--log_config", "logging.json"),
    ]
    return Program(command, folder, VARIABLES)


def _plain(upstream: Upstream) -> dict[str, Any]:
    return {
        "model_list": [_model(MODEL, upstream.base)],
        "router_settings": {"num_retries": 0},
        "litellm_settings": {"num_retries": 0},
    }


def _rest(upstream: Upstream) -> dict[str, Any]:
    return {
        "model_list": [
            _model(MODEL, upstream.base),
            _model("counted", upstream.base, rpm=1_000_000),
            _model("limited", upstream.base, rpm=LIMIT),
            _model("failing", upstream.failing),
        ],
        "router_settings": {
            "num_retries": 0,
            "optional_pre_call_checks": ["enforce_model_rate_limits"],
            "fallbacks": [{"failing": [MODEL]}],
        },
        "litellm_settings": {
            "num_retries": 0,
            "cache": True,
            # In memory, for requests that ask for it.
            "cache_params": {"type": "local", "mode": "default_off"},
        },
    }


def _model(name: str, base: str, **limits: int) -> dict[str, Any]:
    place = {"model": f"openai/{MODEL}", "api_base": base, "api_key": "sk-test"}
    return {"model_name": name, "litellm_params": place | limits}


def _doors(plain: int, rest: int) -> dict[Feature, Door]:
    url = f"http://127.0.0.1:{rest}{PATH}"
    return {
        Feature.PLAIN: Door(f"http://127.0.0.1:{plain}{PATH}"),
        Feature.CACHE: Door(url, wrap=lambda chat: chat | {"cache": {"use-cache": True}}),
        Feature.COUNTED: Door(url, wrap=lambda chat: chat | {"model": "counted"}),
        Feature.LIMITED: Door(url, wrap=lambda chat: chat | {"model": "limited"}),
        Feature.FALLBACK: Door(url, wrap=lambda chat: chat | {"model": "failing"}),
    }
