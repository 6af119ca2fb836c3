"""What workerd brings and keeps data: KV, D1, queues and cron, each a Worker with a disk.

Their source is in workerd, and so are the names of their classes and bindings. The names that begin
with `sluice-` and those of the disks are ours and must stay: by them workerd finds the data.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from serve.capnp_text import Struct
from serve.options import Options

DISKS = ("do", "kv", "kv-blobs", "d1", "queue", "cron")
_HANDLERS = "service_binding_extra_handlers"


def stores(options: Options) -> list[Struct]:
    """Return the services that keep data, and their disks."""
    found = [_kv(), d1_service()]
    if consumers := options.wrangler.get("queues", {}).get("consumers"):
        found.append(_queues(consumers))
    if crons := options.wrangler.get("triggers", {}).get("crons"):
        found.append(_cron(crons))
    return [*found, *(disk(options, name) for name in DISKS)]


def disk(options: Options, name: str) -> Struct:
    """Return the service of a folder."""
    if options.cluster and name == "kv-blobs":
        # Long values are no Durable Objects: they must lie where every instance finds them.
        return {"name": f"{name}-disk", "bucket": {"path": name}}
    return {"name": f"{name}-disk", "disk": {"path": str(options.disks / name), "writable": True}}


def objects(keys: Mapping[str, str], disk: str) -> Struct:
    """Return what makes Durable Objects of classes, by their unique keys, with data on a disk."""
    return {
        "durableObjectNamespaces": [
            {"className": name, "uniqueKey": key, "enableSql": True} for name, key in keys.items()
        ],
        "durableObjectStorage": {"localDisk": f"{disk}-disk"},
    }


def kv_binding(name: str) -> Struct:
    """Return the binding of a KV namespace."""
    namespace = json.dumps({"namespace": name.lower()})
    return {"name": name, "kvNamespace": {"name": "kv", "props": {"json": namespace}}}


def d1_binding(name: str) -> Struct:
    """Return the binding of a D1 database."""
    props = {"json": json.dumps({"database": name.lower()})}
    fetcher: Struct = {"name": "fetcher", "service": {"name": "d1", "props": props}}
    wrapped: Struct = {"moduleName": "cloudflare-internal:d1-api", "innerBindings": [fetcher]}
    return {"name": name, "wrapped": wrapped}


def queue_binding(producer: Mapping[str, Any]) -> Struct:
    """Return the binding of a producer of a queue."""
    props = {"json": json.dumps({"queue": producer["queue"]})}
    return {"name": producer["binding"], "queue": {"name": "queues", "props": props}}


def _kv() -> Struct:
    bindings: list[Struct] = [
        {"name": "SHARD", "durableObjectNamespace": "KVNamespace"},
        {"name": "BLOBS", "service": "kv-blobs-disk"},
    ]
    return _platform("kv", bindings, objects({"KVNamespace": "sluice-kv"}, "kv"))


def d1_service() -> Struct:
    """Return the service of the databases."""
    bindings: list[Struct] = [{"name": "DATABASE", "durableObjectNamespace": "D1Database"}]
    return _platform("d1", bindings, objects({"D1Database": "sluice-d1"}, "d1"))


def _queues(consumers: Sequence[Mapping[str, Any]]) -> Struct:
    told = {
        each["queue"]: {"consumer": "GATEWAY"}
        | {_camel(name): value for name, value in each.items() if name != "queue"}
        for each in consumers
    }
    bindings: list[Struct] = [
        {"name": "SHARD", "durableObjectNamespace": "QueueShard"},
        {"name": "GATEWAY", "service": "gateway"},
        {"name": "CONSUMERS", "json": json.dumps(told)},
    ]
    return _platform("queues", bindings, objects({"QueueShard": "sluice-queue"}, "queue"))


def _cron(crons: Sequence[str]) -> Struct:
    bindings: list[Struct] = [
        {"name": "SCHEDULE", "durableObjectNamespace": "Schedule"},
        {"name": "GATEWAY", "service": "gateway"},
        {"name": "CRONS", "json": json.dumps({"GATEWAY": crons})},
    ]
    return _platform("cron", bindings, objects({"Schedule": "sluice-cron"}, "cron"))


def _platform(name: str, bindings: Sequence[Struct], kept: Struct) -> Struct:
    return {
        "name": name,
        "worker": {
            "modules": [{"name": f"{name}.js", "bundled": f"/workerd/{name}.js"}],
            "compatibilityDate": "2026-01-01",
            "compatibilityFlags": [_HANDLERS],
            "bindings": bindings,
            **kept,
        },
    }


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(each.capitalize() for each in others)
