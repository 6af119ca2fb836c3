"""Vendors: one small file each, whose name is the slug (`_` for `-`) and whose PROVIDER is it."""

import importlib
import pkgutil
from collections.abc import Mapping

from dialects.openai import OPENAI
from errors import NotBuilt, UnknownProvider
from providers.base import Example, Provider
from snapshot import Custom

PROVIDERS: dict[str, Provider] = {
    module.name.replace("_", "-"): importlib.import_module(f"providers.{module.name}").PROVIDER
    for module in pkgutil.iter_modules(__path__)
    if module.name != "base"
}
"""Every provider by its slug, found by listing this folder."""

_AUTHORS = {author: slug for slug, provider in PROVIDERS.items() for author in provider.authors}
_ALIASES = {provider.alias: slug for slug, provider in PROVIDERS.items() if provider.alias}

CUSTOM = "custom-"
"""What stands before the slug of a provider that an operator added."""
_COMPAT = "compat"
_COMING = ("cloudflare", "dynamic")
"""Authors of what is no model: a route or a router."""


def canonical(slug: str) -> str:
    """Return the slug of a provider, of whatever name clients use for it."""
    return _ALIASES.get(slug, slug)


def of_model(name: str, customs: Mapping[str, Custom]) -> tuple[str, Provider, str]:
    """Return the slug of a model's provider, the provider, and what the model is called there.

    A name is `{author}/{model}`. Raises UnknownProvider, and NotBuilt for what will be a model.
    """
    author, _, rest = name.partition("/")
    slug = _AUTHORS.get(author, canonical(author))
    if author in _COMING:
        raise NotBuilt(f"A model `{author}/…`")
    return slug, find(slug, customs), name if name.startswith("@") else rest


def names(slug: str, model: str, customs: Mapping[str, Custom]) -> set[str]:
    """Return the names under which a model of a provider may be run."""
    provider = lookup(slug, customs)
    authors = provider.authors if provider else ()
    if model.partition("/")[0] in authors:
        return {model}
    alias = provider.alias if provider else None
    return {f"{author}/{model}" for author in (slug, alias, *authors) if author}


def lookup(slug: str, customs: Mapping[str, Custom]) -> Provider | None:
    """Return a provider, one that an operator added among them."""
    if provider := PROVIDERS.get(slug):
        return provider
    custom = custom_of(slug, customs)
    return _custom(custom) if custom else None


def custom_of(slug: str, customs: Mapping[str, Custom]) -> Custom | None:
    """Return the provider that an operator added under a slug."""
    return customs.get(slug.removeprefix(CUSTOM)) if slug.startswith(CUSTOM) else None


def find(slug: str, customs: Mapping[str, Custom]) -> Provider:
    """Return a provider. Raises UnknownProvider, and NotBuilt for what will be one."""
    provider = lookup(slug, customs)
    if provider:
        return provider
    if slug == _COMPAT:
        raise NotBuilt("The OpenAI-compatible endpoint (`compat`)")
    raise UnknownProvider(slug, sorted([*PROVIDERS, *(CUSTOM + name for name in customs)]))


def _custom(custom: Custom) -> Provider:
    """Return a provider that is known by its address alone.

    Most such servers speak OpenAI's format, and what does not is passed on all the same.
    """
    return Provider(
        base_url=custom.base_url,
        docs="",
        dialect=OPENAI,
        headers=("x-api-key", "api-key", "anthropic-*", "openai-*"),
        needs_key=False,
        socket=lambda path, query: (path, query),
        example=Example("", ""),
    )
