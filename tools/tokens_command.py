"""Make, list and revoke tokens through the management API of a gateway.

Reads URL (http://localhost:8787), ACCOUNT (local) and ADMIN_TOKEN (the file `admin-token` in STATE,
which is .wrangler/state) from the environment.
"""

import argparse
import itertools
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from wrangler import ROOT

PATIENCE_S = 30
PER_PAGE = 50
SCOPES = ("run", "read", "edit")


class Failed(Exception):
    """The command cannot be done; the message says why."""


@dataclass(frozen=True)
class Api:
    """The tokens of one account of one gateway, in its management API."""

    url: str
    account: str
    admin_token: str

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> "Api":
        """Read the environment. Raises Failed."""
        url = environment.get("URL") or "http://localhost:8787"
        if not url.startswith(("http://", "https://")):
            raise Failed(f"URL is {url!r}. Use the address of a gateway: http://localhost:8787")
        token = (environment.get("ADMIN_TOKEN") or _kept_token(environment)).strip()
        if not (token and token.isascii() and token.isprintable()):
            raise Failed("the admin token is empty, or has characters that no token has")
        return cls(url.rstrip("/"), environment.get("ACCOUNT") or "local", token)

    def call(self, method: str, path: str = "", body: object = None) -> Any:
        """Return what the management API answers. Raises Failed."""
        account = quote(self.account, safe="")
        url = f"{self.url}/client/v4/accounts/{account}/ai-gateway/tokens{path}"
        headers = {"authorization": f"Bearer {self.admin_token}"}
        try:
            reply = httpx.request(method, url, headers=headers, json=body, timeout=PATIENCE_S)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Failed(
                f"no gateway answers at {self.url} ({error}). Start one with `make dev`, or set URL"
            ) from None
        return self._read(reply)

    def _read(self, reply: httpx.Response) -> Any:
        try:
            told = reply.json()
            if reply.is_success:
                return told["result"]
            raise Failed(self._reason(reply.status_code, told))
        except (ValueError, LookupError, TypeError, AttributeError):
            raise Failed(
                f"what answers at {self.url} is not a gateway: status {reply.status_code}"
            ) from None

    def _reason(self, status: int, told: Any) -> str:
        if status == 401:
            return f"{self.url} does not know this admin token. Set ADMIN_TOKEN to its own"
        # Where the management API is found to be missing, the answer is that of a gateway.
        errors = told.get("errors") or told["error"]
        if errors[0]["code"] == 7000:
            return (
                f"{self.url} has no management API for {self.account!r}: see ADMIN_TOKEN, ACCOUNT"
            )
        return "; ".join(_problem(error) for error in errors)


def _kept_token(environment: Mapping[str, str]) -> str:
    file = Path(environment.get("STATE") or ROOT / ".wrangler" / "state") / "admin-token"
    try:
        return file.read_text()
    except OSError as error:
        raise Failed(
            f"there is no admin token: {file}: {error.strerror}. Set ADMIN_TOKEN, or run `make dev`"
        ) from None


def _problem(error: Mapping[str, Any]) -> str:
    path = ".".join(error.get("path", [])[1:])
    return f"{path}: {error['message']}" if path else str(error["message"])


def create(api: Api, options: argparse.Namespace) -> None:
    """Make a token, and print it: nothing else goes to the standard output. Raises Failed."""
    body = {"name": options.name, "scopes": options.scope or ["run"]}
    body |= {"gateways": options.gateway} if options.gateway else {}
    body |= {"expires_at": options.expires} if options.expires else {}
    token = api.call("POST", body=body)
    print(token["value"], flush=True)
    print(f"This is the only time that token {token['id']} is shown.", file=sys.stderr)


def show(api: Api, _options: argparse.Namespace) -> None:
    """Print the tokens of the account. Raises Failed."""
    head = ("ID", "NAME", "SCOPES", "GATEWAYS", "EXPIRES", "ENDS IN")
    rows = [head, *(_row(token) for token in _tokens(api))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def _tokens(api: Api) -> Iterator[dict[str, Any]]:
    for number in itertools.count(1):
        page: list[dict[str, Any]] = api.call("GET", f"?page={number}&per_page={PER_PAGE}")
        yield from page
        if len(page) < PER_PAGE:
            return


def _row(token: Mapping[str, Any]) -> tuple[str, ...]:
    name = "".join(letter if letter.isprintable() else "?" for letter in token["name"])
    return (
        token["id"],
        name,
        ",".join(token["scopes"]),
        ",".join(token["gateways"] or ["all"]),
        token["expires_at"] or "never",
        token["preview"],
    )


def revoke(api: Api, options: argparse.Namespace) -> None:
    """Revoke a token. Raises Failed."""
    if not options.id:
        raise Failed("no ID is given. `list` shows those that there are")
    token = api.call("DELETE", f"/{quote(options.id, safe='')}")
    print(f"Revoked {token['name']}. Wherever it was known, it may work for another minute.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="token", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="create, list or revoke")
    making = commands.add_parser("create", help="make a token, and print it this once")
    making.set_defaults(run=create)
    making.add_argument("--name", required=True, help="what it is for")
    making.add_argument(
        "--scope", action="append", choices=SCOPES, help="may be repeated; `run` unless given"
    )
    making.add_argument(
        "--gateway", action="append", metavar="ID", help="may be repeated; all unless given"
    )
    making.add_argument("--expires", metavar="TIME", help="as in 2030-01-31T12:00:00Z")
    listing = commands.add_parser("list", help="list the tokens, the newest first")
    listing.set_defaults(run=show)
    revoking = commands.add_parser("revoke", help="revoke a token")
    revoking.set_defaults(run=revoke)
    revoking.add_argument("id", metavar="ID", help="as `list` shows it")
    return parser


def main(
    arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ
) -> int:
    """Do what is asked. Returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        options.run(Api.of_environment(environment), options)
    except Failed as error:
        print(f"token: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
