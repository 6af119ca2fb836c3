"""Addresses whose host, or account, is derived from the request. No caller may choose another."""

import re
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import BadPath
from providers import PROVIDERS

AZURE, WORKERS, HUGGING_FACE, BASETEN = (
    PROVIDERS[slug] for slug in ("azure-openai", "workers-ai", "huggingface", "baseten")
)
LABEL = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
HOSTS = {
    "azure-openai": rf"{LABEL}\.openai\.azure\.com",
    "workers-ai": r"api\.cloudflare\.com",
    "huggingface": r"router\.huggingface\.co",
    "baseten": rf"(inference\.baseten\.co|model-{LABEL}\.api\.baseten\.co)",
}
ACCOUNT = "/client/v4/accounts/acme/ai/"

HOSTILE = [
    "",
    "evil.com",
    "evil.com#",
    "evil.com?",
    "evil.com:443",
    "user@evil",
    "evil%2ecom",
    "evil%2Fcom",
    "evil\\com",
    "evil com",
    "evil\tcom",
    "evil\ncom",
    "evil\n",
    "evil\x00",
    "-evil",
    "evil-",
    "EVIL",
    "évil",
    # What names of hosts are made of after IDNA has mapped it: a wide letter, another full stop.
    "\uff45vil",
    "evil\u3002com",
    "..",
    "*",
    "e" * 64,
]
PIECES = st.sampled_from(
    ["acme", "model", "v1", "run", "@cf", "@hf", "openai", "deployments", "meta", "..", "%2e%2E"]
) | st.text(max_size=12)
PATHS = st.text() | st.lists(PIECES, max_size=7).map("/".join)


@pytest.mark.parametrize("resource", HOSTILE)
@pytest.mark.parametrize("rest", ["gpt-4o/chat/completions", "v1/responses", "openai/v1/models"])
def test_a_resource_is_the_name_of_a_host_and_nothing_else(resource: str, rest: str) -> None:
    with pytest.raises(BadPath, match=re.escape("Use {resource}/{deployment}/")):
        AZURE.url("acme", f"{resource}/{rest}", "")


@pytest.mark.parametrize("path", ["acme", "acme/", "acme/gpt-4o", "acme//chat", "/acme/gpt/chat"])
def test_azure_needs_a_resource_a_deployment_and_a_task(path: str) -> None:
    with pytest.raises(BadPath):
        AZURE.url("acme", path, "")


@pytest.mark.parametrize("resource", ["a", "0", "my-resource-2", "e" * 63])
def test_names_that_azure_lets_a_resource_have_are_taken(resource: str) -> None:
    url = AZURE.url("acme", f"{resource}/d/chat/completions", "api-version=2024-10-21&a=%20")

    assert url == (
        f"https://{resource}.openai.azure.com/openai/deployments/d/chat/completions"
        "?api-version=2024-10-21&a=%20"
    )


@pytest.mark.parametrize("model_id", HOSTILE)
@pytest.mark.parametrize("rest", ["", "/predict", "/environments/production/predict"])
def test_an_id_of_a_model_is_part_of_the_name_of_a_host(model_id: str, rest: str) -> None:
    with pytest.raises(BadPath, match=re.escape("Use v1/…, model/{id}")):
        BASETEN.url("acme", f"model/{model_id}{rest}", "")


@pytest.mark.parametrize("path", ["", "v1", "model", "models/abc", "v2/chat", "chat/completions"])
def test_baseten_has_two_kinds_of_paths(path: str) -> None:
    with pytest.raises(BadPath):
        BASETEN.url("acme", path, "")


def test_the_longest_id_of_a_model_still_makes_a_label_of_a_host() -> None:
    url = BASETEN.url("acme", f"model/{'e' * 57}/predict", "")

    assert url == f"https://model-{'e' * 57}.api.baseten.co/predict"
    with pytest.raises(BadPath):
        BASETEN.url("acme", f"model/{'e' * 58}", "")


@pytest.mark.parametrize("start", ["v1", "@cf/meta", "run/@cf/meta", "%40cf/meta"])
@pytest.mark.parametrize(
    "rest",
    [
        "..",
        "../..",
        "../../../../../accounts/other/ai/run/@cf/meta/llama",
        "../../../../user/tokens",
        "./llama",
        "%2e%2e/x",
        "%2E./x",
        ".%2e/x",
        "%2e",
        "%252e%252e/x",
        "..%2f..%2fx",
        "..\\..\\x",
        "..;/x",
        ".\t./x",
        "llama/..",
        "llama/../x",
        "llama//x",
        "/llama",
        "",
        "llama/",
        "llama?x",
        "llama#x",
        "llama\n",
        "llämä",
    ],
)
def test_no_path_leads_out_of_the_ai_of_an_account(start: str, rest: str) -> None:
    # The token that is stored for the AI may open more of the account, and the host has all of it.
    with pytest.raises(BadPath, match=re.escape("Use @cf/{author}/{model}")):
        WORKERS.url("acme", f"{start}/{rest}", "")


@pytest.mark.parametrize(
    "path", ["", "v1", "run", "@cf", "@xx/a/b", "run/v1/chat", "models/search", "cf/meta/llama"]
)
def test_only_models_and_the_compatible_paths_are_workers_ai(path: str) -> None:
    with pytest.raises(BadPath):
        WORKERS.url("acme", path, "")


def test_the_account_is_that_of_the_gateway() -> None:
    url = WORKERS.url("0123abcd", "@cf/qwen/qwen2.5-coder-32b-instruct", "queueRequest=true")

    assert url == (
        "https://api.cloudflare.com/client/v4/accounts/0123abcd/ai/run/"
        "@cf/qwen/qwen2.5-coder-32b-instruct?queueRequest=true"
    )


@pytest.mark.parametrize(
    ("slug", "path", "url"),
    [
        ("azure-openai", "acme/v1/models", "http://127.0.0.1:1/openai/v1/models"),
        ("workers-ai", "v1/models", "http://127.0.0.1:1/client/v4/accounts/acme/ai/v1/models"),
        ("huggingface", "gpt2", "http://127.0.0.1:1/hf-inference/models/gpt2"),
        ("baseten", "model/abc", "http://127.0.0.1:1/production/predict"),
    ],
)
def test_another_base_takes_the_place_of_the_host(slug: str, path: str, url: str) -> None:
    assert PROVIDERS[slug].url("acme", path, "", "http://127.0.0.1:1") == url


@pytest.mark.parametrize("slug", HOSTS)
@given(path=PATHS)
def test_whatever_the_path_the_host_is_the_vendors(slug: str, path: str) -> None:
    try:
        url = PROVIDERS[slug].url("acme", path, "")
    except BadPath:
        return

    # What stands before the path has no room for a user, a port, or the start of a query.
    assert re.match(rf"https://{HOSTS[slug]}/", url)
    assert re.fullmatch(HOSTS[slug], urlsplit(url).netloc)


@given(path=PATHS)
def test_whatever_the_path_workers_ai_stays_within_the_account(path: str) -> None:
    try:
        url = WORKERS.url("acme", path, "")
    except BadPath:
        return

    _, _, rest = url.partition(ACCOUNT)
    assert url.startswith(f"https://api.cloudflare.com{ACCOUNT}")
    assert rest.isascii()
    assert rest.isprintable()
    assert not {"", ".", ".."} & set(re.split(r"[/\\]|%2[fF]", rest))


@pytest.mark.parametrize(
    "vendor_path",
    [
        "baseten/v1/chat/completions",
        "cerebras/v1/chat/completions",
        "cohere/compatibility/v1/chat/completions",
        "deepinfra/v1/openai/audio/transcriptions",
        "fal-ai/fal-ai/fast-sdxl",
        "featherless-ai/v1/completions",
        "fireworks-ai/inference/v1/chat/completions",
        "groq/openai/v1/chat/completions",
        "hf-inference/models/google/gemma-2-2b-it/v1/chat/completions",
        "novita/v3/hf/wan-ai/wan-2.1",
        "nscale/v1/images/generations",
        "openai/v1/chat/completions",
        "ovhcloud/v1/chat/completions",
        "publicai/v1/chat/completions",
        "replicate/v1/predictions",
        "scaleway/v1/embeddings",
        "together/v2/videos",
        "wavespeed/api/v3/wavespeed-ai/flux-dev",
        "zai-org/api/paas/v4/async/images/generations",
    ],
)
def test_what_hugging_faces_client_sends_to_its_router_passes(vendor_path: str) -> None:
    url = HUGGING_FACE.url("acme", vendor_path, "_subdomain=queue")

    assert url == f"https://router.huggingface.co/{vendor_path}?_subdomain=queue"


@pytest.mark.parametrize(
    "model", ["openai/gpt-oss-20b", "zai-org/GLM-4.6", "groq/v1", "org/my%2Dmodel", "bert-base"]
)
def test_a_model_that_is_named_as_before_runs_at_hugging_face(model: str) -> None:
    expected = f"https://router.huggingface.co/hf-inference/models/{model}"

    assert HUGGING_FACE.url("acme", model, "") == expected
    assert HUGGING_FACE.url("acme", f"models/{model}", "") == expected
