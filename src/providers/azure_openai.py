"""Azure OpenAI."""

import re
from typing import NoReturn

from dialects.deployed import deployed
from errors import BadPath
from providers.base import Key, Provider, chat

# A resource becomes part of the host: nothing that could end it, or lead elsewhere, is one.
# https://learn.microsoft.com/en-us/azure/ai-services/cognitive-services-custom-subdomains
_PATH = re.compile(r"([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)/([^/]+)/(.*)")
_RULE = "Use {resource}/{deployment}/…, {resource}/v1/… or {resource}/openai/…, lower case"


def _address(_account: str, path: str) -> str:
    resource, surface, rest = (_PATH.fullmatch(path) or _refuse(path)).groups()
    # The second form has no deployment in its path, the third is what Azure's SDKs write behind
    # their `azure_endpoint`: https://learn.microsoft.com/en-us/azure/ai-foundry/openai/reference
    known = {"v1": "openai/v1", "openai": "openai"}
    place = known.get(surface, f"openai/deployments/{surface}")
    return f"https://{resource}.openai.azure.com/{place}/{rest}"


def _refuse(path: str) -> NoReturn:
    raise BadPath(path, _RULE)


PROVIDER = Provider(
    base_url="https://{resource}.openai.azure.com/openai/deployments/{deployment}",
    docs="https://learn.microsoft.com/en-us/azure/ai-foundry/openai/reference",
    dialect=deployed(
        r"[^/]+/(?:openai/(?!deployments/)|(?!openai/)(?=v1/)"
        r"|(?:openai/deployments/|(?!openai/))(?P<model>[^/]+)/)(?P<task>.*)"
    ),
    key=Key("api-key", "{}", also=("authorization",)),
    headers=("openai-*", "x-ms-client-request-id", "x-ms-oai-*"),
    prices="azure",
    otel_name="azure.ai.openai",
    example=chat("my-resource/v1/chat/completions", "my-deployment"),
    address=_address,
    secret=("client_secrets", "realtimeapi/sessions"),
)
