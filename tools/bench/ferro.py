"""Ferro Labs' gateway, in Go. Its features are on for a whole process: each has one of its own."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.ends import Upstream
from bench.install import python_peers
from bench.process import Program
from bench.sites import LIMIT, Door, Feature, Site
from serve.listening import free_port

SHARED_MODEL = "openai/gpt-oss-20b"
"""One that both providers of the fallback have."""


def ferro(folder: Path, upstream: Upstream) -> Site:
    """Set up one process for each feature."""
    features = {
        Feature.PLAIN: _config("single", ["openai"]),
        Feature.CACHE: _config("single", ["openai"], *_cache()),
        Feature.COUNTED: _config("single", ["openai"], _rate_limit(1_000_000, 1_000_000)),
        Feature.LIMITED: _config("single", ["openai"], _rate_limit(0.001, LIMIT)),
        Feature.FALLBACK: _config("fallback", ["groq", "together"]),
    }
    ports = {feature: free_port() for feature in features}
    programs: list[Program] = []
    for feature, config in features.items():
        place = folder / feature
        place.mkdir(parents=True, exist_ok=True)
        (place / "config.json").write_text(json.dumps(config))
        programs.append(
            Program(
                [python_peers() / "ferrogw", "serve"], place, _variables(ports[feature], upstream)
            )
        )
    doors = {
        feature: Door(f"http://127.0.0.1:{port}/v1/chat/completions")
        for feature, port in ports.items()
    }
    fallback = Door(doors[Feature.FALLBACK].url, wrap=lambda chat: chat | {"model": SHARED_MODEL})
    return Site(programs, doors | {Feature.FALLBACK: fallback})


def _config(mode: str, providers: Sequence[str], *plugins: dict[str, Any]) -> dict[str, Any]:
    return {
        "strategy": {"mode": mode},
        "targets": [{"virtual_key": name} for name in providers],
        "plugins": list(plugins),
    }


def _cache() -> list[dict[str, Any]]:
    stages = ("before_request", "after_request")
    return [_plugin("response-cache", "transform", stage, max_age=3600) for stage in stages]


def _rate_limit(per_second: float, burst: int) -> dict[str, Any]:
    limits = {"requests_per_second": per_second, "burst": burst}
    return _plugin("rate-limit", "ratelimit", "before_request", **limits)


def _plugin(name: str, kind: str, stage: str, **config: float) -> dict[str, Any]:
    return {"name": name, "type": kind, "stage": stage, "enabled": True, "config": config}


def _variables(port: int, upstream: Upstream) -> dict[str, str]:
    return {
        "PORT": str(port),
        "GATEWAY_CONFIG": "config.json",
        "ALLOW_UNAUTHENTICATED_PROXY": "true",
        "LOG_LEVEL": "error",
        # Its own limit for each address: far above what is measured.
        "RATE_LIMIT_RPS": "1000000",
        "RATE_LIMIT_BURST": "1000000",
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": upstream.root,
        "GROQ_API_KEY": "sk-test",
        "GROQ_BASE_URL": upstream.failing,
        "TOGETHER_API_KEY": "sk-test",
        "TOGETHER_BASE_URL": upstream.base,
    }
