"""Where a gateway sends its traces, as the management API takes it.

Headers may be credentials: they are encrypted for the gateway and the address that they go to, and
answers show `***` in place of each value. Whoever sends that back keeps what is stored.
"""

import json
from collections.abc import Mapping

from api.body import Problem
from api.task import Task
from errors import Invalid
from outside import address_problem, header_problem
from settings import Otel, Settings
from traces.exporter import context

_MASK = "***"
_GET = "SELECT settings FROM gateways WHERE account_id = ?1 AND id = ?2"

_Headers = Mapping[str, str]


async def with_sealed_headers(task: Task, gateway: str, settings: Settings) -> Settings:
    """Return settings as they are kept. Raises Invalid, and Misconfigured without ENCRYPTION_KEY.

    Raises Misconfigured as well where headers that stay cannot be opened.
    """
    if not settings.otel:
        return settings
    named = [_named(one) for one in settings.otel]
    stored = await _stored(task, gateway, settings.otel, named)
    found: list[Problem] = []
    kept: list[Otel] = []
    for index, one in enumerate(settings.otel):
        before = stored.get(one.url, {})
        found += [
            (rule, ["body", "otel", str(index), *path])
            for rule, path in _problems(one, named[index], before)
        ]
        if one.url in (other.url for other in settings.otel[:index]):
            found.append(("This url is named twice", ["body", "otel", str(index), "url"]))
        headers = {
            name: before.get(name, "") if value == _MASK else value
            for name, value in named[index].items()
        }
        kept.append(one if found else await _sealed(task, gateway, one, headers))
    if found:
        raise Invalid(found)
    return settings.model_copy(update={"otel": kept})


def _named(one: Otel) -> _Headers:
    """Return the headers that are sent to a destination, by their names in lower case."""
    headers = {name.lower(): value for name, value in one.headers.items()}
    return headers | ({"authorization": one.authorization} if one.authorization else {})


def _problems(one: Otel, headers: _Headers, before: _Headers) -> list[Problem]:
    found: list[Problem] = []
    if problem := address_problem(one.url):
        found.append((problem, ["url"]))
    if one.sealed is not None:
        found.append(("Unknown setting", ["sealed"]))
    for name, value in headers.items():
        if problem := header_problem(name, value):
            found.append((problem, ["headers", name]))
        elif value == _MASK and name not in before:
            rule = f"Use its value: `{_MASK}` stands for one that is stored for the same url"
            found.append((rule, ["headers", name]))
    return found


async def _stored(
    task: Task, gateway: str, asked: list[Otel], named: list[_Headers]
) -> dict[str, _Headers]:
    """Return the headers that are stored, by the address that they go to, where any stays."""
    staying = {one.url for one, headers in zip(asked, named, strict=True) if _masked(headers)}
    if not staying:
        return {}
    rows = await task.ports.database.all(_GET, task.account, gateway)
    before = Settings.model_validate_json(rows[0]["settings"]).otel if rows else None
    vault, crypto = task.isolate.vault, task.ports.crypto
    return {
        one.url: json.loads(
            await vault.open(one.sealed, context(task.account, gateway, one.url), crypto)
        )
        for one in before or ()
        if one.sealed and one.url in staying
    }


def _masked(headers: _Headers) -> bool:
    return _MASK in headers.values()


async def _sealed(task: Task, gateway: str, one: Otel, headers: _Headers) -> Otel:
    """Return a destination as it is kept."""
    sealed = None
    if headers:
        named = context(task.account, gateway, one.url)
        sealed = await task.isolate.vault.seal(json.dumps(headers), named, task.ports.crypto)
    masked = dict.fromkeys(one.headers, _MASK)
    authorization = _MASK if one.authorization else None
    return one.model_copy(
        update={"headers": masked, "authorization": authorization, "sealed": sealed}
    )
