"""How long a token is used, and what becomes of an answer without one."""

import json

import pytest

from errors import BadKey, Unreachable
from fakes import NOW, FakeReplyBody, an_answer
from ports import Ending, Incoming
from service_accounts import ACCOUNT, SECRET, Bench, account, pem, token
from signing.base import Minted

MINUTE = 60_000


async def test_a_token_is_used_until_shortly_before_its_end() -> None:
    bench = Bench(token("first"), token("second"))
    used: list[str] = []

    for minutes in (0, 54, 1):
        bench.clock.now += minutes * MINUTE
        used.append((await bench.headers(ACCOUNT))["authorization"])

    # 3599 - 300 seconds are 54 minutes and 59 seconds.
    assert used == ["Bearer first", "Bearer first", "Bearer second"]
    assert [minted.until for minted in bench.minted.values()] == [NOW + 55 * MINUTE + 3_299_000]


@pytest.mark.parametrize("life", [None, 0, 299, -1, "3599", True, float("nan")])
async def test_a_token_that_ends_soon_is_used_once(life: object) -> None:
    bench = Bench(token("first", expires_in=life), token("second", expires_in=life))

    used = [(await bench.headers(ACCOUNT))["authorization"] for _ in range(2)]

    assert used == ["Bearer first", "Bearer second"]


async def test_a_token_is_believed_for_no_more_than_an_hour() -> None:
    bench = Bench(token(expires_in=10**12))
    await bench.headers(ACCOUNT)

    assert [minted.until for minted in bench.minted.values()] == [NOW + 3_300_000]


@pytest.mark.parametrize(
    "other",
    [
        {"client_email": "other@p.iam.gserviceaccount.com"},
        {"private_key_id": "key-2"},
        {"private_key": pem() + "\n"},
    ],
)
async def test_a_token_is_for_the_whole_key_that_it_was_made_of(other: dict[str, str]) -> None:
    bench = Bench(token("first"), token("second"))

    await bench.headers(ACCOUNT)
    headers = await bench.headers(account(**other))

    assert headers["authorization"] == "Bearer second"
    assert len(bench.minted) == 2


async def test_who_sends_a_false_private_key_gets_no_token_of_another() -> None:
    bench = Bench(token())
    await bench.headers(ACCOUNT)

    with pytest.raises(BadKey):
        await bench.headers(account(private_key=""))


async def test_tokens_are_held_under_a_digest_and_are_not_many() -> None:
    bench = Bench(token())
    bench.minted.update({str(number): Minted("t", NOW) for number in range(1000)})

    await bench.headers(ACCOUNT)

    ((name, minted),) = bench.minted.items()
    assert minted.token == "ya29.minted"
    assert len(name) == 64
    assert SECRET not in name


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (
            400,
            {"error": "invalid_grant", "error_description": "Invalid JWT Signature."},
            "invalid_grant: Invalid JWT Signature.",
        ),
        (401, {"error": "invalid_client"}, "invalid_client"),
        (
            403,
            {"error": {"code": 403, "message": "Disabled", "status": "PERMISSION_DENIED"}},
            "PERMISSION_DENIED: Disabled",
        ),
        (404, "<html>", "status 404"),
        (400, [], "status 400"),
    ],
)
async def test_a_key_that_google_refuses_is_refused_in_its_words(
    status: int, answer: object, words: str
) -> None:
    text = answer if isinstance(answer, str) else json.dumps(answer)
    bench = Bench(an_answer(text, status=status))

    with pytest.raises(BadKey, match=words) as caught:
        await bench.headers(ACCOUNT)

    assert caught.value.status == 401
    assert not bench.minted


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, {"error": "internal_failure"}),
        (503, "<html>"),
        (429, {"error": "rate_limit"}),
        (400, {"error": "server_error"}),
        (400, {"error": "temporarily_unavailable"}),
        (302, ""),
        (200, ""),
        (200, {}),
        (200, {"access_token": ""}),
        (200, {"access_token": 1}),
        (200, {"id_token": "eyJ"}),
    ],
)
async def test_a_fault_of_google_is_one_that_passes(status: int, answer: object) -> None:
    text = answer if isinstance(answer, str) else json.dumps(answer)
    bench = Bench(an_answer(text, status=status))

    with pytest.raises(Unreachable, match=r"oauth2\.googleapis\.com"):
        await bench.headers(ACCOUNT)

    assert not bench.minted


async def test_an_answer_that_is_not_held_is_a_fault_of_google() -> None:
    ending = Ending("complete", '{"access_token":"ya29.x","expires_in":3599}')
    long = Incoming(200, {}, FakeReplyBody(ending, holds=False))
    bench = Bench(long, Incoming(200, {}, None))

    for _ in range(2):
        with pytest.raises(Unreachable):
            await bench.headers(ACCOUNT)


async def test_an_endpoint_that_cannot_be_reached_is_told_as_such() -> None:
    lost = Unreachable("oauth2.googleapis.com", 12)
    broken = Incoming(200, {}, FakeReplyBody(breaks=lost))

    for failure in (lost, broken):
        with pytest.raises(Unreachable) as caught:
            await Bench(failure).headers(ACCOUNT)
        assert caught.value is lost


@pytest.mark.parametrize(
    "answer",
    [
        (400, '{"error": "invalid_grant", "error_description": "account not found"}'),
        (400, "x" * 10_000),
        (500, "{}"),
        (200, "{}"),
    ],
)
@pytest.mark.parametrize("changed", [{}, {"private_key": SECRET}, {"token_uri": "https://x.test"}])
async def test_no_error_tells_the_key(answer: tuple[int, str], changed: dict[str, str]) -> None:
    status, text = answer
    bench = Bench(an_answer(text, status=status))

    with pytest.raises((BadKey, Unreachable)) as caught:
        await bench.headers(account(**changed))

    told = f"{caught.value.envelope()}{caught.value.headers}{caught.value!r}"
    assert not any(SECRET[at : at + 16] in told for at in range(0, len(SECRET) - 16, 16))
    assert len(told) < 2000
