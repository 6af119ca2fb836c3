"""workerd's configuration, made of `wrangler.toml`, of the built modules and of some options."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from serve.capnp_text import Struct, embed, written
from serve.options import Options
from serve.stores import d1_binding, kv_binding, objects, queue_binding, stores
from wrangler import BUNDLE_FLAGS

KNOWN = {
    *("name", "main", "compatibility_date", "compatibility_flags", "vars", "triggers", "queues"),
    *("kv_namespaces", "d1_databases", "durable_objects", "migrations", "python_modules"),
    # What is Cloudflare's alone.
    *("ai", "observability"),
}
"""The keys of `wrangler.toml` that are taken care of."""
_OUTBOUND = Path(__file__).with_name("outbound.js")
_KEEPER = Path(__file__).with_name("keeper.js")


def configuration(options: Options) -> str:
    """Return the configuration. Exits where `wrangler.toml` has something that is not known."""
    if unknown := sorted(set(options.wrangler) - KNOWN):
        sys.exit(f"serve: wrangler.toml has keys that are not known here: {', '.join(unknown)}")
    worker = _worker(options.wrangler, options.modules)
    worker |= {"bindings": _bindings(options), "globalOutbound": "outbound"}
    worker |= objects(_classes(options.wrangler), "do")
    flags: Struct = {"v8Flags": options.v8_flags} if options.v8_flags else {}
    cluster: Struct = {"cluster": options.cluster} if options.cluster else {}
    return document(
        {
            **flags,
            **cluster,
            "logging": {"structuredLogging": True},
            "services": [
                {"name": "gateway", "worker": worker},
                *stores(options),
                *_networks(options),
                _keeper(options),
            ],
            "sockets": options.sockets,
        }
    )


def bare_configuration(wrangler: Mapping[str, Any], modules: Path) -> str:
    """Return a configuration of the Worker without data or network: enough for a snapshot."""
    return document({"services": [{"name": "gateway", "worker": _worker(wrangler, modules)}]})


def document(config: Struct) -> str:
    """Return the file that workerd reads."""
    head = 'using Workerd = import "/workerd/workerd.capnp";\n\n'
    return f"{head}const config :Workerd.Config = {written(config)};\n"


def _worker(wrangler: Mapping[str, Any], modules: Path) -> dict[str, Any]:
    return {
        "compatibilityDate": wrangler["compatibility_date"],
        "compatibilityFlags": [*wrangler["compatibility_flags"], *BUNDLE_FLAGS],
        "modules": [_module(modules, file) for file in _files(modules, wrangler)],
    }


def _files(modules: Path, wrangler: Mapping[str, Any]) -> list[Path]:
    # The first module is the main one.
    main = modules / Path(wrangler["main"]).name
    files = sorted(file for file in modules.rglob("*") if file.is_file())
    return sorted(files, key=lambda file: file != main)


def _module(modules: Path, file: Path) -> Struct:
    kind = {".py": "pythonModule", ".js": "esModule", ".mjs": "esModule"}.get(file.suffix, "data")
    name = file.relative_to(modules).as_posix()
    # workerd is told to look for what begins with / in the folder of the modules.
    return {"name": name, kind: embed(f"/{name}")}


def _classes(wrangler: Mapping[str, Any]) -> dict[str, str]:
    names = [each["class_name"] for each in wrangler["durable_objects"]["bindings"]]
    return {name: f"sluice-{name}" for name in names}


def _bindings(options: Options) -> list[Struct]:
    wrangler = options.wrangler
    texts = {**wrangler.get("vars", {}), **options.variables}
    return [
        *(kv_binding(each["binding"]) for each in wrangler["kv_namespaces"]),
        *(d1_binding(each["binding"]) for each in wrangler["d1_databases"]),
        *(queue_binding(each) for each in wrangler.get("queues", {}).get("producers", ())),
        *(
            {"name": each["name"], "durableObjectNamespace": each["class_name"]}
            for each in wrangler["durable_objects"]["bindings"]
        ),
        *({"name": name, "text": text} for name, text in texts.items()),
        *({"name": name, "fromEnvironment": name} for name in options.secrets),
    ]


def _keeper(options: Options) -> Struct:
    worker: Struct = {
        "compatibilityDate": options.wrangler["compatibility_date"],
        "modules": [{"name": _KEEPER.name, "esModule": _KEEPER.read_text()}],
        "bindings": [
            {"name": "GATEWAY", "service": "gateway"},
            {"name": "KEEPER", "service": {"name": "gateway", "entrypoint": "Keeper"}},
        ],
    }
    return {"name": "keeper", "worker": worker}


def _networks(options: Options) -> list[Struct]:
    def network(name: str, allow: Any, authorities: Sequence[str] = ()) -> Struct:
        tls: Struct = {"trustBrowserCas": True, "trustedCertificates": authorities}
        return {"name": name, "network": {"allow": allow, "tlsOptions": tls}}

    if not options.origins:
        return [network("outbound", options.networks)]
    choice: Struct = {
        "compatibilityDate": options.wrangler["compatibility_date"],
        "modules": [{"name": _OUTBOUND.name, "esModule": _OUTBOUND.read_text()}],
        "bindings": [
            {"name": "NAMED", "json": json.dumps(options.origins)},
            {"name": "PUBLIC", "service": "public"},
            {"name": "ANY", "service": "any"},
        ],
        # It has no other way out.
        "globalOutbound": "public",
    }
    return [
        {"name": "outbound", "worker": choice},
        network("public", options.networks),
        network("any", ["public", "private"], options.authorities),
    ]
