"""Run Sluice on this machine, without Cloudflare: `make serve`.

variables of the environment:
  PORT (8787), HOST (127.0.0.1)   where it listens; HOST=0.0.0.0 for all networks of the machine
  STATE (.sluice)                 the folder of the data
  ADMIN_TOKEN                     of the management API; made once and kept in STATE if missing
  ENCRYPTION_KEY                  of stored keys; made once and kept in STATE if missing
  ENCRYPTION_KEY_OLD              what stored keys were encrypted under before
  ACCOUNT (main), ORIGIN          of bindings: whose gateways they open, and the address to tell
  UPSTREAMS                       JSON, provider slug to base URL, private addresses too
  WORKERS_AI                      JSON, servers of yours that run @cf/... models (docs/env-ai.md)
  UPSTREAM_CA                     PEM file: who signed the certificates of their servers
  TLS_CERT, TLS_KEY               PEM files: it answers https by itself
  TRUST_PROXY (0)                 1 where a proxy of yours says who calls, and how
  STOP_SECONDS (25)               how long it may finish what is under way when it is ended
  WORKERS (1)                     processes that share the port: one for each core

for several machines, which share their data:
  BUCKET, BUCKET_ENDPOINT         s3://name/prefix, and where it is if not at Amazon's
  AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, …   what opens it
  CLUSTER_ADDRESS                 host:port at which the others reach this one, on a private network
  CLUSTER_KEY                     what they know each other by; at least 32 bytes

docs/self-host.md and docs/cluster.md tell more.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from serve.bucket import installed
from serve.build import built
from serve.cluster import run_cluster
from serve.cluster_settings import ClusterSettings
from serve.folder import make_private
from serve.report import report
from serve.settings import Settings
from serve.single import run_single
from wrangler import ROOT


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="make serve",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--config",
        type=Path,
        default=ROOT / "wrangler.toml",
        help="configure the Worker by this file, with the sources beside it",
    )
    parser.add_argument(
        "--prepare",
        action="store_true",
        help="build the Worker and its snapshot, install what WORKERS needs, and run nothing",
    )
    options = parser.parse_args(arguments)
    # Ended from outside like by Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        config, cluster = options.config.resolve(), ClusterSettings.of(os.environ)
        if options.prepare:
            return _prepare(config, cluster)
        make_private()
        settings = Settings.of(os.environ)
        return run_cluster(settings, cluster, config) if cluster else run_single(settings, config)
    except KeyboardInterrupt:
        return 0
    except SystemExit as ended:
        if not isinstance(ended.code, str):
            raise
        report("error", ended.code)
        return 1
    except OSError as error:
        # The disk is full, a file is another user's: no fault of the program's.
        report("error", str(error))
        return 1


def _prepare(config: Path, cluster: ClusterSettings | None) -> int:
    if cluster and not cluster.shared:
        installed()
    with built(config) as build:
        report("info", "built", folder=str(build.folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
