"""The gateway that vendors' own SDKs are pointed at: its providers are mocks that speak as they."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple
from uuid import uuid4

import httpx
import pytest

from clients.vendor import Vendor
from running import Gateway, serving
from worker.aimock import mocking


class Running(NamedTuple):
    """What runs for all tests of the folder."""

    gateway: Gateway
    vendor: Vendor
    aimock: str
    """Where that mock listens."""


@pytest.fixture(scope="session")
def vendors(tmp_path_factory: pytest.TempPathFactory, llmock_url: str) -> Iterator[Running]:
    """Start a gateway of whose providers each is the mock that speaks its format best."""
    llmock = llmock_url.removesuffix("/v1")
    with mocking(tmp_path_factory.mktemp("aimock")) as aimock, Vendor().running() as vendor:
        upstreams = {
            "anthropic": aimock,
            "aws-bedrock": vendor.url,
            "cohere": aimock,
            "elevenlabs": vendor.url,
            "google-ai-studio": aimock,
            "google-vertex-ai": aimock,
            "groq": f"{llmock}/groq/openai/v1",
            "huggingface": llmock,
            "mistral": f"{llmock}/mistral/v1",
            "openai": llmock_url,
            "replicate": f"{vendor.url}/v1",
        }
        variables = {"UPSTREAMS": json.dumps(upstreams)}
        with serving(tmp_path_factory.mktemp("clients"), **variables) as gateway:
            yield Running(replace(gateway, llmock=llmock_url), vendor, aimock)


@pytest.fixture
def place(vendors: Running) -> Iterator[Gateway]:
    """A gateway of the test's own, so that its log holds the test's own rows alone."""
    with vendors.gateway.another(f"test-{uuid4().hex}") as own:
        yield own


@pytest.fixture
def vendor(vendors: Running) -> Iterator[Vendor]:
    """The vendor that answers what the test says."""
    yield vendors.vendor
    vendors.vendor.forget()


@pytest.fixture
def last_headers(vendors: Running) -> Callable[[], dict[str, str]]:
    """What tells with which headers the newest request came to aimock."""

    def last() -> dict[str, str]:
        return httpx.get(f"{vendors.aimock}/__aimock/journal").json()[-1]["headers"]

    return last


@pytest.fixture
def rate_limited(vendors: Running, llmock_url: str) -> Iterator[None]:
    """Let llmock answer the next request with an error. What was not used goes with the test."""
    controls = llmock_url.removesuffix("/v1") + "/_llmock"
    failing = {"behaviors": [{"type": "fail", "status": 429, "times": 1}]}
    httpx.post(f"{controls}/scenario", json=failing).raise_for_status()
    yield
    httpx.post(f"{controls}/reset").raise_for_status()
