import pytest

from bearer import bearer_matches


@pytest.mark.parametrize("header", ["Bearer secret", "bearer secret", "BEARER secret"])
def test_the_scheme_matches_in_any_case(header: str) -> None:
    assert bearer_matches(header, "secret")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer Secret",
        "Bearer secre",
        "Bearer secret2",
        "Basic secret",
        "secret",
        "Bearer  secret",
        "Bearer secret ",
    ],
)
def test_anything_but_the_token_itself_does_not_match(header: str | None) -> None:
    assert not bearer_matches(header, "secret")


def test_a_token_may_hold_any_characters() -> None:
    assert bearer_matches("Bearer ключ a b", "ключ a b")
