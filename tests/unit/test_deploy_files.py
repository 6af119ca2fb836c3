"""What deploy/ tells container engines, systemd and Kubernetes fits what `make serve` knows."""

import ast
import configparser
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.containerfile import environment, instructions, last_stage
from serve.bucket import STOP_S
from serve.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
PYTHON_S_OWN = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}


def settings() -> set[str]:
    """The variables that tools/serve/settings.py names."""
    names = re.compile(r"[A-Z][A-Z_]+")
    module = ast.parse((ROOT / "tools" / "serve" / "settings.py").read_text())
    texts = (node.value for node in ast.walk(module) if isinstance(node, ast.Constant))
    return {text for text in texts if isinstance(text, str) and names.fullmatch(text)}


def manifest(kind: str) -> dict[str, Any]:
    (found,) = (each for each in map(loaded, MANIFESTS) if each["kind"] == kind)
    return found


def loaded(file: Path) -> dict[str, Any]:
    return yaml.safe_load(file.read_text())


def compose() -> dict[str, Any]:
    return loaded(DEPLOY / "compose.yaml")["services"]["gateway"]


def unit() -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # pyright: ignore[reportAttributeAccessIssue]
    parser.read(DEPLOY / "sluice.service")
    return parser["Service"]


def unit_environment() -> dict[str, str]:
    lines = (DEPLOY / "sluice.service").read_text().splitlines()
    said = [line.partition("=")[2] for line in lines if line.startswith("Environment=")]
    return dict(word.split("=", 1) for line in said for word in shlex.split(line))


def container() -> dict[str, Any]:
    return manifest("StatefulSet")["spec"]["template"]["spec"]["containers"][0]


def named() -> Iterator[tuple[str, set[str]]]:
    yield "Containerfile", set(environment())
    yield "compose.yaml", set(compose()["environment"])
    yield "sluice.service", set(unit_environment())
    yield "gateway.yaml", {each["name"] for each in container()["env"]}
    yield "secret.example.yaml", set(manifest("Secret")["stringData"])


@pytest.mark.parametrize(("file", "names"), [pytest.param(*each, id=each[0]) for each in named()])
def test_every_variable_is_one_that_serve_reads(file: str, names: set[str]) -> None:
    assert names
    assert names <= settings() | PYTHON_S_OWN


def test_the_container_s_settings_can_be_used_and_are_for_its_port_and_volume() -> None:
    said = {each.name: each.text for each in last_stage()}
    read = Settings.of(environment())

    assert read.host == "0.0.0.0"
    assert str(read.port) == said["EXPOSE"]
    assert read.state.is_relative_to(said["VOLUME"])


def test_who_ends_the_gateway_waits_longer_than_it_takes() -> None:
    pod = manifest("StatefulSet")["spec"]["template"]["spec"]
    (seconds,) = (each["value"] for each in container()["env"] if each["name"] == "STOP_SECONDS")

    assert int(compose()["stop_grace_period"].rstrip("s")) > int(
        compose()["environment"]["STOP_SECONDS"]
    )
    assert pod["terminationGracePeriodSeconds"] > int(seconds)
    # With WORKERS one process ends after the others, and then the bucket.
    assert int(unit()["TimeoutStopSec"]) > 2 * int(unit_environment()["STOP_SECONDS"]) + STOP_S


def test_nothing_runs_as_root_nor_can_change_the_program() -> None:
    (user,) = (each.text for each in last_stage() if each.name == "USER")
    pod = manifest("StatefulSet")["spec"]["template"]["spec"]

    assert user == "{runAsUser}:{runAsGroup}".format(**pod["securityContext"])
    assert not user.startswith("0")
    assert container()["securityContext"]["readOnlyRootFilesystem"]
    assert compose()["read_only"]
    assert unit()["DynamicUser"] == "yes"
    assert unit()["ProtectSystem"] == "strict"


def test_two_nodes_never_work_on_one_folder() -> None:
    assert manifest("StatefulSet")["spec"]["replicas"] == 1


def test_the_probes_ask_what_is_served() -> None:
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container()[probe]["httpGet"] == {"path": "/healthz", "port": "http"}
    (port,) = (each["containerPort"] for each in container()["ports"] if each["name"] == "http")
    assert port == int(environment()["PORT"])


def test_a_container_is_asked_how_it_is_whatever_the_format_of_its_image() -> None:
    (asked,) = (each.text for each in last_stage() if each.name == "HEALTHCHECK")
    options, _, command = asked.partition("CMD")
    pairs = (option.removeprefix("--").split("=") for option in options.split())
    said = {name.replace("-", "_"): value for name, value in pairs}
    told = {name: str(value) for name, value in compose()["healthcheck"].items()}

    assert compose()["healthcheck"]["test"] == ["CMD", *json.loads(command)]
    assert said == {name: value for name, value in told.items() if name != "test"}


def test_podman_is_told_to_build_in_the_format_that_has_a_healthcheck() -> None:
    told = [(DEPLOY / "Containerfile").read_text(), (ROOT / "docs" / "operate.md").read_text()]

    for text in told:
        assert text.count("podman build") == text.count("podman build --format docker") == 1


def test_the_pod_that_restores_has_the_gateway_s_image_user_and_volume() -> None:
    pod, gateway = manifest("Pod")["spec"], manifest("StatefulSet")
    (restoring,) = pod["containers"]
    (template,) = gateway["spec"]["volumeClaimTemplates"]
    claims = [each for each in pod["volumes"] if "persistentVolumeClaim" in each]
    claim = "-".join((template["metadata"]["name"], gateway["metadata"]["name"], "0"))

    assert [each["persistentVolumeClaim"]["claimName"] for each in claims] == [claim]
    for name in ("image", "volumeMounts", "securityContext"):
        assert restoring[name] == container()[name]
    assert pod["securityContext"] == gateway["spec"]["template"]["spec"]["securityContext"]


def test_no_secret_is_written_down() -> None:
    assert set(manifest("Secret")["stringData"].values()) == {"REPLACE_WITH_32_RANDOM_BYTES"}
    for name in ("ADMIN_TOKEN", "ENCRYPTION_KEY"):
        assert compose()["environment"][name] == f"${{{name}:-}}"


def test_what_the_image_copies_is_there_and_not_kept_from_the_build() -> None:
    kept = {line[1:] for line in (ROOT / ".containerignore").read_text().split() if line[0] == "!"}

    for instruction in instructions():
        if instruction.name == "COPY" and "--from" not in instruction.text:
            for source in instruction.words[:-1]:
                assert (ROOT / source).exists(), source
                assert source.split("/")[0] in kept, source
