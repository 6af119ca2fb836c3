"""Baseten."""

import re
from typing import NoReturn

from dialects.deployed import deployed
from errors import BadPath
from providers.base import Provider, chat

# A model's id becomes part of the host: nothing that could end it, or lead elsewhere, is one.
# Behind a hyphen may stand the name of a regional environment.
# https://docs.baseten.co/reference/inference-api/overview
_PATH = re.compile(
    r"(?P<shared>v1/.*)|model/(?P<id>[a-z0-9](?:[a-z0-9-]{0,55}[a-z0-9])?)(?:/(?P<rest>.*))?"
)
_RULE = "Use v1/…, model/{id} or model/{id}/…, the id in lower case"


def _address(_account: str, path: str) -> str:
    parts = _PATH.fullmatch(path) or _refuse(path)
    own = f"https://model-{parts['id']}.api.baseten.co/{parts['rest'] or 'production/predict'}"
    return f"https://inference.baseten.co/{parts['shared']}" if parts["shared"] else own


def _refuse(path: str) -> NoReturn:
    raise BadPath(path, _RULE)


PROVIDER = Provider(
    base_url="https://inference.baseten.co",
    docs="https://docs.baseten.co/reference/inference-api/overview",
    # Behind `sync/` stands the path of a server that was deployed whole, OpenAI's often:
    # https://docs.baseten.co/inference/calling-your-model
    dialect=deployed(r"model/(?P<model>[^/]+)(?:/(?:.*?(?<![^/])sync/)?(?P<task>.*))?"),
    prices="baseten",
    example=chat("v1/chat/completions", "openai/gpt-oss-120b"),
    address=_address,
)
