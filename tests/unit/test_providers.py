import pytest

from providers import PROVIDERS
from providers.base import Provider

OPENAI = PROVIDERS["openai"]


@pytest.mark.parametrize(("slug", "provider"), PROVIDERS.items())
def test_every_provider_is_a_lower_case_slug_with_an_https_address(
    slug: str, provider: Provider
) -> None:
    assert slug.replace("-", "").isalnum()
    assert slug == slug.lower()
    assert provider.base_url.startswith("https://")
    assert not provider.base_url.endswith("/")
    assert all(name == name.lower() for name in provider.headers)


def test_the_base_module_is_no_provider() -> None:
    assert "base" not in PROVIDERS


@pytest.mark.parametrize(
    ("path", "query", "url"),
    [
        ("models", "", "https://api.openai.com/v1/models"),
        ("v1/models", "", "https://api.openai.com/v1/models"),
        ("v1/v1/models", "", "https://api.openai.com/v1/v1/models"),
        ("models", "limit=2&after=%20", "https://api.openai.com/v1/models?limit=2&after=%20"),
        ("", "", "https://api.openai.com/v1/"),
    ],
)
def test_a_path_is_found_with_and_without_the_version(path: str, query: str, url: str) -> None:
    assert OPENAI.url("acme", path, query) == url


def test_another_base_replaces_the_address() -> None:
    assert (
        OPENAI.url("acme", "v1/models", "a=b", "http://127.0.0.1:1")
        == "http://127.0.0.1:1/models?a=b"
    )


def test_a_provider_without_a_version_gets_the_path_as_it_is() -> None:
    provider = Provider(
        base_url="https://x.test", docs="", dialect=OPENAI.dialect, example=OPENAI.example
    )

    assert provider.url("acme", "v1/models", "") == "https://x.test/v1/models"
