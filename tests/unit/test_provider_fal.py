"""The URL that a caller chooses whole must never lead a key to another host."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call import Target
from errors import BadHeader
from forwarding import request_headers
from providers import PROVIDERS

FAL = PROVIDERS["fal"]
DOMAINS = ("fal.run", "fal.ai", "falrun.com")
PIECES = st.sampled_from(
    [
        "https://",
        "http://",
        "fal.run",
        "queue.fal.run",
        "evil.test",
        "fal.ai",
        "@",
        ":",
        "443",
        "/",
        "//",
        "\\",
        ".",
        "..",
        "?",
        "#",
        "%",
        "%2e",
        "%00",
        "%40",
        "\t",
        "\n",
        "\r",
        "\0",
        " ",
        "[::1]",
        "127.0.0.1",
        "a",
        "-",
        "_",
        ";",
        "。",
        "\u2044",
        "\ufeff",
        "fal.run\u3002evil.test",
    ]
)


@pytest.mark.parametrize(
    "url",
    [
        "https://fal.run",
        "https://fal.run/",
        "https://fal.run/fal-ai/fast-sdxl",
        "https://fal.run/fal-ai/flux/schnell/stream",
        "https://queue.fal.run/fal-ai/flux/dev?fal_webhook=https://example.com/hook",
        "https://queue.fal.run/fal-ai/flux/requests/764cabcf/status?logs=1&a=%2F%40",
        "https://queue.falrun.com/fal-ai/flux",
        "https://falrun.com/fal-ai/flux",
        "https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3",
        "https://rest.alpha.fal.ai/tokens/",
        "https://fal.run/a/../b//c/@evil.test:80/[x]",
    ],
)
def test_a_url_of_the_vendor_is_taken_as_it_is(url: str) -> None:
    assert FAL.chosen(url) == url


@pytest.mark.parametrize(
    "url",
    [
        # other hosts, some of which look alike
        "https://evil.test/",
        "https://evil.test/fal.run",
        "https://evil.test/?https://fal.run/",
        "https://evil.test/#.fal.run",
        "https://fal.run.evil.test/",
        "https://evilfal.run/",
        "https://evil-fal.run/",
        "https://fal.runs/",
        "https://fal.run-evil.test/",
        "https://xfal.ai/",
        "https://myfalrun.com/",
        "https://fal.run.",
        "https://fal.run./",
        "https://fal.run../",
        "https://evil.test./fal.run",
        "https://run/",
        "https://ai/",
        "https:///fal.run/",
        # user information
        "https://fal.run@evil.test/",
        "https://fal.run:x@evil.test/",
        "https://evil.test@fal.run/",
        "https://user:pass@fal.run/",
        "https://@fal.run/",
        "https://fal.run%40evil.test/",
        # ports
        "https://fal.run:443/",
        "https://fal.run:8443/",
        "https://fal.run:/",
        "https://fal.run:80@evil.test/",
        # other schemes, and none
        "http://fal.run/",
        "ws://fal.run/",
        "wss://fal.run/",
        "file://fal.run/etc/passwd",
        "javascript://fal.run/%0aalert(1)",
        "//fal.run/",
        "/fal-ai/flux",
        "fal.run/fal-ai/flux",
        "https:fal.run/",
        "https:/fal.run/",
        "https:////fal.run/",
        "https:\\\\fal.run/",
        "HTTPS://fal.run/",
        "https://FAL.RUN/",
        "https://Fal.run/",
        "data:text/html,https://fal.run/",
        "",
        " ",
        # backslashes, which browsers take for slashes
        "https://fal.run\\@evil.test/",
        "https://evil.test\\.fal.run/",
        "https://evil.test\\fal.run/",
        "https://fal.run/\\evil.test",
        "https://\\evil.test/fal.run",
        # what ends a host early in some parsers
        "https://evil.test?.fal.run/",
        "https://evil.test#.fal.run/",
        "https://evil.test;.fal.run/",
        "https://evil.test%2f.fal.run/",
        "https://evil.test%23.fal.run/",
        "https://fal.run?evil",
        "https://fal.run#evil",
        # control characters and blanks, which some parsers remove
        "https://fal.run\n.evil.test/",
        "https://fal.run\t.evil.test/",
        "https://fal.run\r\nx-evil: 1",
        "https://fal.run/\r\nhost: evil.test",
        "https://fal.run/\n",
        "https://fal.run/a b",
        "https://fal.run/\0",
        "https://fal.run\0.evil.test/",
        "https://fal.run\x7f/",
        " https://fal.run/",
        "https://fal.run/ ",
        "\ufeffhttps://fal.run/",
        "https://fal.run/, https://evil.test/",
        # addresses
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/fal.run",
        "https://[fal.run]/",
        "https://[::1].fal.run/",
        "https://169.254.169.254/.fal.run",
        "https://localhost/",
        # letters that are normalised into others
        "https://fal.run\u3002evil.test/",
        "https://fal\uff0erun/",
        "https://\u24d5al.run/",
        "https://fal.ru\u0274/",
        "https://fal.run\u2044@evil.test/",
        "https://fal.run\u00ad/",
        "https://fal.run/\u00e9",
        "https://\u0661.fal.run/",
    ],
)
def test_any_other_url_is_refused(url: str) -> None:
    with pytest.raises(BadHeader) as refused:
        FAL.chosen(url)

    assert refused.value.status == 400
    assert "x-fal-target-url" in refused.value.message


@given(st.lists(PIECES, max_size=8).map("".join) | st.text())
def test_whatever_is_taken_leads_to_the_vendor(end: str) -> None:
    for url in (end, f"https://{end}", f"https://fal.run{end}", f"https://{end}.fal.run/"):
        try:
            taken = FAL.chosen(url)
        except BadHeader:
            continue
        parts = urlsplit(taken)
        assert taken == url
        assert parts.scheme == "https"
        # Nothing but a host: neither user nor port.
        assert parts.netloc == parts.hostname
        assert f".{parts.hostname}".endswith(tuple(f".{domain}" for domain in DOMAINS))


def test_a_replaced_address_replaces_the_chosen_host_alone() -> None:
    url = "https://queue.fal.run/fal-ai/flux?next=https://queue.fal.run/x"

    chosen = FAL.chosen(url, "http://127.0.0.1:1")

    assert chosen == "http://127.0.0.1:1/fal-ai/flux?next=https://queue.fal.run/x"


@pytest.mark.parametrize(
    ("url", "model"),
    [
        ("https://queue.fal.run/fal-ai/flux/requests/7/status?logs=1", "fal-ai/flux"),
        ("https://fal.run/fal-ai/flux/stream?a=1", "fal-ai/flux"),
        ("https://fal.run", None),
        ("not a url", "fal-ai/fast-sdxl"),
    ],
)
def test_what_is_asked_for_is_what_the_chosen_url_names(url: str, model: str | None) -> None:
    target = Target("fal", "fal-ai/fast-sdxl", "")

    asked = FAL.ask(target, {"x-fal-target-url": url}, '{"num_images": 1}')

    assert (asked.model, asked.model_type) == (model, "text-to-image")
    assert FAL.ask(target, {}, None).model == "fal-ai/fast-sdxl"


def test_the_header_that_chooses_stays_here() -> None:
    headers = {
        "x-fal-target-url": "https://queue.fal.run/fal-ai/flux",
        "x-fal-queue-priority": "low",
        "x-fal-unknown": "1",
        "authorization": "Key a:b",
    }

    sent = request_headers(headers, FAL.forwarded, stream=False)

    assert sent.keys() == {"x-fal-queue-priority", "authorization", "accept-encoding"}


def test_a_stored_key_is_written_as_the_vendor_wants_it() -> None:
    assert (FAL.key.header, FAL.key.form.format("id:secret")) == ("authorization", "Key id:secret")
