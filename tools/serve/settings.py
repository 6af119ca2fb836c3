"""What the environment says of this run."""

import json
import os
import re
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from wrangler import ROOT

DEFAULT_PORTS = {"http": 80, "https": 443}
_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True)
class Settings:
    """The environment, read. `make serve` and docs/self-host.md tell of each variable."""

    host: str
    port: int
    state: Path
    secrets: Mapping[str, str]
    """Variables of the Worker, which only workerd's own environment holds."""
    origins: tuple[str, ...]
    """Where UPSTREAMS and WORKERS_AI lead."""
    authorities: tuple[str, ...]
    """Certificates, in PEM, that those may be signed by, beside what everybody trusts."""
    tls: tuple[Path, Path] | None
    """Files of the certificate, with those it is signed by, and of its key."""
    trust_proxy: bool
    stop_s: float

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """Read an environment. Exits with a message where a value cannot be used."""
        given = {name: value for name, value in environment.items() if value}
        named = {name: given[name] for name in SECRETS if name in given}
        for name in ("ENCRYPTION_KEY", "ENCRYPTION_KEY_OLD"):
            if len(named.get(name, "x" * SHORTEST)) < SHORTEST:
                sys.exit(f"{name} has fewer than {SHORTEST} characters: `openssl rand -base64 32`")
        origins = *_origins(given.get("UPSTREAMS")), *_own_origins(given.get("WORKERS_AI"))
        return cls(
            given.get("HOST", "127.0.0.1"),
            _port(given.get("PORT", "8787")),
            state_of(environment),
            named,
            origins,
            _authorities(given.get("UPSTREAM_CA"), origins),
            _tls(given.get("TLS_CERT"), given.get("TLS_KEY")),
            _switch("TRUST_PROXY", given.get("TRUST_PROXY", "0")),
            _seconds(given.get("STOP_SECONDS", "25")),
        )


SECRETS = (
    *("ACCOUNT", "ADMIN_TOKEN", "ENCRYPTION_KEY", "ENCRYPTION_KEY_OLD", "ORIGIN"),
    *("UPSTREAMS", "WORKERS_AI"),
)
"""What the Worker reads: `VARIABLES` in src/deployment.py."""
SHORTEST = 32
"""Characters that a secret for encryption must have: `SHORTEST_SECRET` there."""


def state_of(environment: Mapping[str, str]) -> Path:
    """Return the folder of the data."""
    return Path(environment.get("STATE") or ROOT / ".sluice").resolve()


def _port(text: str) -> int:
    if not (text.isdecimal() and 0 < int(text) < 65536):
        sys.exit(f"PORT is {text!r}. Use a port number, 1 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    if not text.isdecimal():
        sys.exit(f"STOP_SECONDS is {text!r}. Use a number of seconds")
    return int(text)


def _switch(name: str, text: str) -> bool:
    if text not in ("0", "1"):
        sys.exit(f"{name} is {text!r}. Use 1 or 0")
    return text == "1"


def _tls(certificate: str | None, key: str | None) -> tuple[Path, Path] | None:
    if not (certificate or key):
        return None
    if not (certificate and key):
        sys.exit("TLS_CERT and TLS_KEY belong together. Set both, or none")
    # Not resolved: whoever renews them may turn a link elsewhere.
    files = Path(certificate).absolute(), Path(key).absolute()
    for file in files:
        if not os.access(file, os.R_OK):
            sys.exit(f"{file} cannot be read. TLS_CERT and TLS_KEY are names of PEM files")
    return files


def _authorities(name: str | None, origins: tuple[str, ...]) -> tuple[str, ...]:
    if name is None:
        return ()
    if not origins:
        sys.exit("UPSTREAM_CA is for the servers of UPSTREAMS and WORKERS_AI, and none is named")
    try:
        text = Path(name).read_text()
        ssl.create_default_context(cadata=text)
    except (OSError, ValueError) as error:
        sys.exit(f"UPSTREAM_CA is {name!r}, which is no file of certificates in PEM: {error}")
    return tuple(_CERTIFICATE.findall(text))


def _origins(upstreams: str | None) -> tuple[str, ...]:
    try:
        bases = json.loads(upstreams or "{}")
        return tuple(sorted({_origin(url) for url in bases.values()}))
    except (ValueError, AttributeError, KeyError):
        sys.exit(
            "UPSTREAMS is not a JSON object of provider slugs and base URLs, like "
            '{"openai": "http://127.0.0.1:9100/v1"}'
        )


def _own_origins(text: str | None) -> tuple[str, ...]:
    # What else may be wrong with it the Worker tells, which has the packages to find it.
    if text is None:
        return ()
    try:
        given: dict[str, Any] = json.loads(text)
        named = [given, *given["models"].values()]
        servers: list[dict[str, Any]] = [each for each in named if isinstance(each, dict)]
        return tuple(sorted({_origin(each["url"]) for each in servers if each.get("url")}))
    except (ValueError, TypeError, AttributeError, KeyError):
        sys.exit(
            "WORKERS_AI is not a JSON object of servers and their models, like "
            '{"url": "http://127.0.0.1:11434/v1", "models": {"@cf/…": "llama3.1:8b"}}'
        )


def _origin(url: str) -> str:
    """Return the origin of a URL as JavaScript writes it: without the usual port."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host:
        raise ValueError(url)
    shown = f"[{host}]" if ":" in host else host
    usual = parts.port in (None, DEFAULT_PORTS[parts.scheme])
    return f"{parts.scheme}://{shown}" + ("" if usual else f":{parts.port}")
