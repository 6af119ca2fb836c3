"""One node, alone with its data."""

from pathlib import Path
from typing import Any

from serve.build import Build, built
from serve.capnp_text import Struct, Value, embed
from serve.config import configuration
from serve.folder import Folder, claim
from serve.listening import listening
from serve.migrations import migrate
from serve.node import KEEPER, Node, started
from serve.options import Options
from serve.report import report
from serve.settings import Settings

_KEPT = {"ADMIN_TOKEN": "admin-token", "ENCRYPTION_KEY": "encryption-key"}
"""Secrets that are made where none are given, and their files."""


def run_single(settings: Settings, config: Path) -> int:
    """Serve until told to end, or until workerd ends by itself. Returns the exit status."""
    folder = claim(settings.state)
    with listening(settings.host, settings.port) as opened, built(config) as build:
        secrets = secrets_of(settings, folder)
        options = options_of(settings, folder, build, list(secrets))
        migrate(folder, options, config.parent / "migrations")
        file = folder.configured("config.capnp", configuration(options))
        arguments = [file, "-I", folder.path, *build.arguments]
        locks = (folder.lock.fileno(), build.lock.fileno())
        with started(arguments, {"http": opened}, secrets, locks) as node:
            return _run(node, settings)


def _run(node: Node, settings: Settings) -> int:
    try:
        tell(settings, node.health())
        status = node.process.wait()
        report("error", f"workerd ended by itself, with status {status}")
        return 1
    except KeyboardInterrupt:
        report("info", "ending when what is under way is done")
        return 0
    finally:
        node.stop(settings.stop_s)


def tell(settings: Settings, health: dict[str, Any]) -> None:
    """Report that a node answers."""
    scheme = "https" if settings.tls else "http"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    level = "info" if health["status"] == "ok" else "warn"
    url = f"{scheme}://{host}:{settings.port}"
    report(level, "ready", url=url, state=str(settings.state), health=health)


def secrets_of(settings: Settings, folder: Folder) -> dict[str, str]:
    """Return the secret variables of the Worker. What is missing is made, and kept."""
    missing = {name: file for name, file in _KEPT.items() if name not in settings.secrets}
    return {**settings.secrets, **{name: folder.kept(file) for name, file in missing.items()}}


def options_of(settings: Settings, folder: Folder, build: Build, secrets: list[str]) -> Options:
    """Return what the configuration of a node is made of that works on a folder."""
    return Options(
        build.wrangler,
        build.modules,
        folder.disks,
        sockets=[_socket(settings, folder), KEEPER],
        secrets=secrets,
        origins=settings.origins,
        authorities=settings.authorities,
    )


def _socket(settings: Settings, folder: Folder) -> Struct:
    # Who is no proxy of ours may say what he likes of himself.
    proxied: Struct = {"forwardedProtoHeader": "X-Forwarded-Proto"}
    direct: Struct = {"injectRequestHeaders": [{"name": "CF-Connecting-IP"}]}
    http = proxied if settings.trust_proxy else direct
    socket: Struct = {"name": "http", "service": "gateway"}
    if not settings.tls:
        return {**socket, "http": http}
    certificate, key = settings.tls
    pair: Struct = {
        "certificateChain": _linked(folder, "tls-cert.pem", certificate),
        "privateKey": _linked(folder, "tls-key.pem", key),
    }
    return {**socket, "https": {"options": http, "tlsOptions": {"keypair": pair}}}


def _linked(folder: Folder, name: str, file: Path) -> Value:
    """Link a file in the folder, below which workerd looks for what is embedded."""
    link = folder.path / name
    link.unlink(missing_ok=True)
    link.symlink_to(file)
    return embed(f"/{link.name}")
