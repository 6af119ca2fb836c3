import pytest

from deployment import Deployment
from errors import Misconfigured


@pytest.mark.parametrize("token", [None, ""])
def test_without_an_admin_token_there_is_none(token: str | None) -> None:
    assert Deployment.of({"ADMIN_TOKEN": token}, local=False) == Deployment(None, {})


def test_an_admin_token_is_read() -> None:
    assert Deployment.of({"ADMIN_TOKEN": "secret"}, local=False).admin_token == "secret"


@pytest.mark.parametrize(("told", "cluster"), [(None, False), ("", False), ("1", True)])
def test_a_deployment_may_be_a_cluster(told: str | None, cluster: bool) -> None:
    assert Deployment.of({"CLUSTER": told}, local=True).cluster == cluster


def test_a_local_run_may_replace_the_addresses_of_providers() -> None:
    variables = {"UPSTREAMS": '{"openai":"http://127.0.0.1:9100/v1/"}'}

    deployment = Deployment.of(variables, local=True)

    assert deployment.upstreams == {"openai": "http://127.0.0.1:9100/v1"}


@pytest.mark.parametrize("upstreams", ["{}", '{"openai":"http://elsewhere"}', "x"])
def test_a_deployed_worker_may_not_replace_the_addresses_of_providers(upstreams: str) -> None:
    with pytest.raises(Misconfigured, match="UPSTREAMS is for local runs"):
        Deployment.of({"UPSTREAMS": upstreams}, local=False)


@pytest.mark.parametrize("upstreams", [None, ""])
@pytest.mark.parametrize("local", [True, False])
def test_no_addresses_replace_nothing(upstreams: str | None, local: bool) -> None:
    assert Deployment.of({"UPSTREAMS": upstreams}, local).upstreams == {}


@pytest.mark.parametrize("upstreams", ["x", "[]", '"http://x"', '{"openai":1}', '{"openai":null}'])
def test_addresses_that_cannot_be_read_are_told(upstreams: str) -> None:
    with pytest.raises(Misconfigured, match="UPSTREAMS is not a JSON object"):
        Deployment.of({"UPSTREAMS": upstreams}, local=True)


SECRET = "thirty-two characters or more of it"


@pytest.mark.parametrize("local", [True, False])
def test_the_secrets_that_keys_are_encrypted_under_are_read(local: bool) -> None:
    variables = {"ENCRYPTION_KEY": SECRET, "ENCRYPTION_KEY_OLD": SECRET[::-1]}

    deployment = Deployment.of(variables, local)

    assert (deployment.encryption_key, deployment.encryption_key_old) == (SECRET, SECRET[::-1])


@pytest.mark.parametrize("value", [None, ""])
def test_without_such_a_secret_there_is_none(value: str | None) -> None:
    variables = {"ENCRYPTION_KEY": value, "ENCRYPTION_KEY_OLD": value}

    assert Deployment.of(variables, local=False) == Deployment(None, {})


@pytest.mark.parametrize("name", ["ENCRYPTION_KEY", "ENCRYPTION_KEY_OLD"])
@pytest.mark.parametrize("length", [1, 31])
def test_a_secret_that_could_be_guessed_is_refused_and_not_shown(name: str, length: int) -> None:
    with pytest.raises(Misconfigured, match=rf"{name} has fewer than 32 characters") as refused:
        Deployment.of({name: SECRET[:length]}, local=False)

    assert SECRET[:8] not in refused.value.message


def test_a_secret_of_32_characters_is_long_enough() -> None:
    assert Deployment.of({"ENCRYPTION_KEY": "x" * 32}, local=False).encryption_key
