"""What a configuration of workerd is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from serve.capnp_text import Struct


@dataclass(frozen=True)
class Options:
    """What a configuration says."""

    wrangler: Mapping[str, Any]
    """The content of `wrangler.toml`."""
    modules: Path
    """The folder of the Worker's modules."""
    disks: Path
    """The folder of the data, in which each store has one of its own."""
    sockets: Sequence[Struct] = ()
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    """Variables of the Worker whose values stand in the configuration."""
    secrets: Sequence[str] = ()
    """Variables of the Worker that workerd takes from its environment."""
    networks: Sequence[str] = ("public",)
    """Where requests may go."""
    origins: Sequence[str] = ()
    """Origins, like `http://10.0.0.1:8000`, where requests may go wherever they lead."""
    authorities: Sequence[str] = ()
    """Certificates, in PEM, that those of these origins may be signed by."""
    v8_flags: Sequence[str] = ()
    cluster: Struct | None = None
    """What workerd is told of the cluster that it joins. None: it is alone with its data."""
