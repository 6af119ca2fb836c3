"""What is stored encrypted: for one place alone, and under secrets that can be replaced."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call import Reply
from deployment import Deployment
from errors import Misconfigured
from fakes import Bench, RealCrypto, a_request, an_answer, told
from isolate import Isolate
from keys.vault import MEMORY, Vault
from ports import CryptoError

OLD = "the secret of last year, thirty-two characters"
NEW = "the secret of this year, thirty-two characters"
PLACE = "provider_key:1:openai"
CRYPTO = RealCrypto()
KEYLESS = {"authorization": ""}


class CountingCrypto(RealCrypto):
    """Counts what is decrypted."""

    opened = 0

    async def decrypt(self, key: bytes, nonce: bytes, data: bytes, context: bytes) -> bytes:
        self.opened += 1
        return await super().decrypt(key, nonce, data, context)


def serve_with(bench: Bench, new: str | None, old: str | None = None) -> None:
    """Deploy the gateway anew, with these secrets."""
    deployment = Deployment("secret", encryption_key=new, encryption_key_old=old)
    bench.isolate = Isolate(deployment, bench.clock)


async def ask(bench: Bench) -> Reply:
    bench.fetch.script.append(an_answer("{}"))
    return await bench.handle(a_request(KEYLESS))


@given(st.text(), st.text())
async def test_what_is_sealed_opens_and_shows_nothing(text: str, context: str) -> None:
    sealed = await Vault(NEW).seal(text, context, CRYPTO)

    assert await Vault(NEW).open(sealed, context, CRYPTO) == text
    assert sealed.isascii()
    assert len(text) < 8 or text not in sealed


async def test_the_same_text_is_never_sealed_alike() -> None:
    vault = Vault(NEW)

    assert len({await vault.seal("sk-1", PLACE, CRYPTO) for _ in range(50)}) == 50


@pytest.mark.parametrize("place", ["", "provider_key:1:anthropic", "provider_key:2:openai"])
async def test_what_is_sealed_for_one_place_opens_in_no_other(place: str) -> None:
    vault = Vault(NEW)
    sealed = await vault.seal("sk-1", PLACE, CRYPTO)
    assert await vault.open(sealed, PLACE, CRYPTO) == "sk-1"

    with pytest.raises(Misconfigured):
        await vault.open(sealed, place, CRYPTO)


@pytest.mark.parametrize("vault", [Vault(None), Vault(OLD), Vault(OLD, OLD), Vault(None, OLD)])
async def test_another_secret_opens_nothing_and_the_error_says_what_to_do(vault: Vault) -> None:
    sealed = await Vault(NEW).seal("sk-1", PLACE, CRYPTO)

    with pytest.raises(Misconfigured, match="ENCRYPTION_KEY_OLD") as refused:
        await vault.open(sealed, PLACE, CRYPTO)

    assert (refused.value.status, refused.value.code) == (500, 7501)
    assert "sk-1" not in refused.value.message
    assert NEW not in refused.value.message


async def test_without_a_secret_nothing_can_be_sealed() -> None:
    with pytest.raises(Misconfigured, match="ENCRYPTION_KEY is not set"):
        await Vault(None, OLD).seal("sk-1", PLACE, CRYPTO)


@pytest.mark.parametrize("byte", [0, 5, 11, 12, 15, 20, -1])
async def test_a_text_that_was_changed_does_not_open(byte: int) -> None:
    sealed = await Vault(NEW).seal("sk-1", PLACE, CRYPTO)
    name, _, coded = sealed.partition(".")
    data = bytearray(urlsafe_b64decode(coded))
    data[byte] ^= 1

    with pytest.raises(Misconfigured):
        await Vault(NEW).open(f"{name}.{urlsafe_b64encode(data).decode()}", PLACE, CRYPTO)


@pytest.mark.parametrize("end", ["", ".", ".a", ".abc", ".é", f".{'A' * 24}", ".====="])
async def test_what_is_no_sealed_text_does_not_open(end: str) -> None:
    vault = Vault(NEW)
    name = (await vault.seal("sk-1", PLACE, CRYPTO)).partition(".")[0]

    for text in (end, f"{name}{end}", f"00000000{end}"):
        with pytest.raises(Misconfigured):
            await vault.open(text, PLACE, CRYPTO)


async def test_the_old_secret_opens_and_the_new_one_seals() -> None:
    both = Vault(NEW, OLD)
    before = await Vault(OLD).seal("sk-1", PLACE, CRYPTO)
    after = await both.seal("sk-1", PLACE, CRYPTO)

    assert await both.open(before, PLACE, CRYPTO) == "sk-1"
    assert await Vault(NEW).open(after, PLACE, CRYPTO) == "sk-1"
    assert (both.current(before), both.current(after)) == (False, True)
    assert not Vault(None, OLD).current(before)


async def test_a_text_is_decrypted_once() -> None:
    vault, crypto = Vault(NEW), CountingCrypto()
    sealed = await vault.seal("", PLACE, crypto)

    assert [await vault.open(sealed, PLACE, crypto) for _ in range(3)] == ["", "", ""]
    assert crypto.opened == 1


async def test_memory_is_bounded() -> None:
    vault, crypto = Vault(NEW), CountingCrypto()
    texts = [await vault.seal(str(number), PLACE, crypto) for number in range(MEMORY + 1)]
    for sealed in texts[:MEMORY]:
        await vault.open(sealed, PLACE, crypto)
    assert await vault.open(texts[0], PLACE, crypto) == "0"
    assert crypto.opened == MEMORY

    await vault.open(texts[MEMORY], PLACE, crypto)
    await vault.open(texts[0], PLACE, crypto)

    assert crypto.opened == MEMORY + 2


async def test_what_does_not_open_is_not_remembered() -> None:
    vault, crypto = Vault(NEW), CountingCrypto()
    sealed = await vault.seal("sk-1", "elsewhere", crypto)

    for _ in range(2):
        with pytest.raises(Misconfigured):
            await vault.open(sealed, PLACE, crypto)

    assert crypto.opened == 2


async def test_a_secret_is_replaced_without_a_moment_in_which_a_key_does_not_open(
    bench: Bench,
) -> None:
    serve_with(bench, OLD)
    await bench.store("openai", "sk-stored-1")
    serve_with(bench, NEW, OLD)
    await bench.store("openai", "sk-stored-2")

    during = [await ask(bench), await ask(bench)]
    resealed = await bench.manage("POST", "gateways/main/provider_configs/reseal")
    again = await bench.manage("POST", "gateways/main/provider_configs/reseal")
    serve_with(bench, NEW)
    after = [await ask(bench), await ask(bench)]

    assert [reply.status for reply in during + after] == [200] * 4
    assert [done["resealed"] for done in (resealed, again)] == [1, 0]
    sent = {outgoing.headers["authorization"] for outgoing in bench.fetch.sent}
    assert sent == {"Bearer sk-stored-1", "Bearer sk-stored-2"}


async def test_a_key_under_a_lost_secret_is_told_and_nothing_is_sent(bench: Bench) -> None:
    serve_with(bench, OLD)
    await bench.store("openai", "sk-stored-1")
    serve_with(bench, NEW)

    reply = await ask(bench)

    assert (reply.status, told(reply)["internalCode"]) == (500, 7501)
    assert "ENCRYPTION_KEY_OLD" in told(reply)["message"]
    assert bench.fetch.sent == []
    assert [row["error_code"] for row in bench.database.rows("logs")] == [7501]


async def test_a_key_that_was_moved_to_another_provider_does_not_open(bench: Bench) -> None:
    await bench.store("anthropic", "sk-ant-stored")
    bench.database.connection.execute("UPDATE provider_keys SET provider = 'openai'")

    reply = await ask(bench)

    assert (reply.status, bench.fetch.sent) == (500, [])


async def test_a_key_that_was_moved_to_another_gateway_does_not_open(bench: Bench) -> None:
    await bench.store("openai", "sk-stored-1")
    other = bench.database.add_gateway("other")
    bench.database.connection.execute("UPDATE provider_keys SET gateway_id = ?", (other,))
    url = "https://sluice.test/v1/acme/other/openai/chat/completions"

    reply = await bench.handle(a_request(KEYLESS, url=url))

    assert (reply.status, bench.fetch.sent) == (500, [])


async def test_a_fault_of_the_platform_s_cryptography_is_no_open_key() -> None:
    class Broken(RealCrypto):
        async def decrypt(self, key: bytes, nonce: bytes, data: bytes, context: bytes) -> bytes:
            raise CryptoError("no such algorithm")

    sealed = await Vault(NEW).seal("sk-1", PLACE, CRYPTO)

    with pytest.raises(Misconfigured):
        await Vault(NEW).open(sealed, PLACE, Broken())
