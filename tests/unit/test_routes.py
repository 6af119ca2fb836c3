import pytest

from call import Target
from intake.routes import (
    HealthRoute,
    ManagementRoute,
    NoRoute,
    ProviderRoute,
    UniversalRoute,
    route,
)

ORIGIN = "https://sluice.test"


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("/v1/acme/main/openai", Target("openai", "", "")),
        ("/v1/acme/main/openai/", Target("openai", "", "")),
        ("/v1/acme/main/openai/models", Target("openai", "models", "")),
        ("/v1/acme/main/openai/v1/models?limit=2", Target("openai", "v1/models", "limit=2")),
        ("/v1/acme/main/openai/a%2Fb//c/?x=%20&?", Target("openai", "a%2Fb//c/", "x=%20&?")),
        ("/v1/acme/main/workers-ai/x", Target("workers-ai", "x", "")),
        ("/v1/acme/main/no-such-one/x?", Target("no-such-one", "x", "")),
    ],
)
def test_a_path_to_a_provider_stays_as_it_was_written(url: str, target: Target) -> None:
    assert route(ORIGIN + url) == ProviderRoute("acme", "main", target)


@pytest.mark.parametrize("name", ["a", "A-b_9", "0", "x" * 64])
def test_names_of_accounts_and_gateways_are_short_words(name: str) -> None:
    assert route(f"{ORIGIN}/v1/{name}/{name}/openai/x") == ProviderRoute(
        name, name, Target("openai", "x", "")
    )


@pytest.mark.parametrize("name", ["", "-a", "_a", "a.b", "a%20b", "x" * 65])
def test_other_names_lead_nowhere(name: str) -> None:
    assert isinstance(route(f"{ORIGIN}/v1/{name}/main/openai/x"), NoRoute)
    assert isinstance(route(f"{ORIGIN}/v1/acme/{name}/openai/x"), NoRoute)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("gateways/main/logs", ManagementRoute("acme", "gateways/main/logs", "")),
        ("gateways/main/logs?page=2", ManagementRoute("acme", "gateways/main/logs", "page=2")),
        ("x?", ManagementRoute("acme", "x", "")),
    ],
)
def test_the_management_api_has_the_paths_of_cloudflare(
    url: str, expected: ManagementRoute
) -> None:
    assert route(f"{ORIGIN}/client/v4/accounts/acme/ai-gateway/{url}") == expected


@pytest.mark.parametrize("url", ["/v1/acme/main", "/v1/acme/main/", "/v1/acme/main?x=1"])
def test_a_gateway_alone_is_the_universal_endpoint(url: str) -> None:
    assert route(ORIGIN + url) == UniversalRoute("acme", "main")


@pytest.mark.parametrize("url", ["/healthz", "/healthz?verbose"])
def test_health_has_a_path(url: str) -> None:
    assert route(ORIGIN + url) == HealthRoute()


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/acme",
        "/v1/acme/main/Open_AI/x",
        "/v2/acme/main/openai/x",
        "/healthz/",
        "/client/v4/accounts/acme/ai-gateway/",
    ],
)
def test_anything_else_leads_nowhere(path: str) -> None:
    assert route(f"{ORIGIN}{path}?x=1") == NoRoute(path)
