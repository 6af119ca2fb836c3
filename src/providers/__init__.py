"""Vendors: one small file each, whose name is the slug (`_` for `-`) and whose PROVIDER is it."""

import importlib
import pkgutil

from providers.base import Provider

PROVIDERS: dict[str, Provider] = {
    module.name.replace("_", "-"): importlib.import_module(f"providers.{module.name}").PROVIDER
    for module in pkgutil.iter_modules(__path__)
    if module.name != "base"
}
"""Every provider by its slug, found by listing this folder."""
