"""Where an operator may let Sluice send requests: to the public internet alone."""

import ipaddress
import socket
import struct
from urllib.parse import urlsplit

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from errors import BadBaseUrl
from outside import checked_base_url, is_public

PIECES = st.sampled_from(
    [
        *("api", "example", "com", "localhost", "localho\u017ft", "local", "internal", "metadata"),
        *("127", "0", "1", "10", "192", "168", "169", "254", "8", "0x7f", "0177", "2130706433"),
        *(".", "..", "-", ":", "443", ":443", "@", "/", "//", "\\", "?", "#", "%2e", "%", "[", "]"),
        *("::1", "\t", "\n", "\r", "\0", " ", "\u3002", "\uff0e", "\u00ad", "\u212a", "xn--", "ⓛ"),
    ]
)


def spellings(address: str) -> list[str]:
    """Every way in which a URL may write an address of IPv4."""
    a, b, c, d = (int(part) for part in address.split("."))
    number = struct.unpack("!I", socket.inet_aton(address))[0]
    return [
        f"{a}.{b}.{c}.{d}",
        f"{a}.{b}.{c * 256 + d}",
        f"{a}.{b * 65536 + c * 256 + d}",
        f"{number}",
        f"{number:#x}",
        f"{number:#X}",
        f"0{number:o}",
        f"{a:#x}.{b:#x}.{c:#x}.{d:#x}",
        f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
        f"{a:#x}.{b}.0{c:o}.{d}",
        f"{a:03}.{b:03}.{c:03}.{d:03}",
        f"{a}.{b}.{c}.{d}.",
    ]


@pytest.mark.parametrize(
    "host",
    [
        "api.example.com",
        "llm.example.co.uk",
        "8.8.8.8",
        "1.1.1.1",
        "a-b.example",
        "xn--bcher-kva.example",
        "localhost.example.com",
        "internal.example.com",
        "notlocalhost.com",
        "mylocal.dev",
        "127.0.0.1.nip.io",
        "1e100.net",
        "0x.example",
    ],
)
def test_a_host_of_the_public_internet_is_public(host: str) -> None:
    assert is_public(host)
    assert is_public(host.upper())
    assert checked_base_url(f"https://{host}") == f"https://{host}"


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",  # the metadata of Alibaba Cloud
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",  # the metadata of AWS, Azure, Google Cloud, and others
        "169.254.170.2",
        "168.63.129.16",  # what Azure's machines are told by
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",  # the metadata of Oracle Cloud
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
    ],
)
def test_a_private_address_is_refused_in_every_spelling(address: str) -> None:
    for host in spellings(address):
        assert not is_public(host), host
        with pytest.raises(BadBaseUrl):
            checked_base_url(f"https://{host}/v1")


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "93.184.215.14"])
def test_a_public_address_is_taken_in_its_plain_spelling_alone(address: str) -> None:
    plain, *others = spellings(address)
    padded, dot = others[-2], others[-1]

    assert is_public(plain)
    assert not any(is_public(host) for host in others if host not in (padded, dot))
    assert not is_public(padded)


@pytest.mark.parametrize(
    "host",
    [
        *("", ".", "..", "a..b", ".example.com", "example.com.", "example"),
        *("localhost", "a.localhost", "LOCALHOST", "x.LocalHost", "printer.local", "a.b.local"),
        *("metadata.google.internal", "vault.internal", "wiki.intranet", "nas.lan", "nas.home"),
        *("box.home.arpa", "home.arpa", "dc.corp", "db.private", "a.test", "a.invalid", "a.alt"),
        *("abc.onion", "instance-data", "metadata", "kubernetes", "host.docker.internal"),
        *(
            "1",
            "a.1",
            "example.0x",
            "example.0x7f",
            "example.127",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.256",
        ),
        *("::1", "fe80::1", "::ffff:8.8.8.8", "64:ff9b::10.0.0.1"),
    ],
)
def test_what_leads_nowhere_or_back_home_is_refused(host: str) -> None:
    assert not is_public(host)


@given(st.ip_addresses(v=4).map(str))
def test_only_global_addresses_are_public(address: str) -> None:
    assert not is_public(address) or ipaddress.IPv4Address(address).is_global


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("https://llm.example.com", "https://llm.example.com"),
        ("https://llm.example.com/", "https://llm.example.com"),
        ("https://llm.example.com/v1/", "https://llm.example.com/v1"),
        ("https://llm.example.com/a%20b/v1", "https://llm.example.com/a%20b/v1"),
        ("https://llm.example.com:443/v1", "https://llm.example.com:443/v1"),
        ("https://8.8.8.8/v1", "https://8.8.8.8/v1"),
        ("https://llm.example.com./v1", "https://llm.example.com./v1"),
        ("https://llm.example.com/@user:8080", "https://llm.example.com/@user:8080"),
    ],
)
def test_an_address_is_taken_without_its_last_slash(url: str, taken: str) -> None:
    assert checked_base_url(url) == taken


@pytest.mark.parametrize(
    "url",
    [
        # other schemes, and none
        *(
            "",
            "llm.example.com",
            "//llm.example.com",
            "http://llm.example.com",
            "ftp://example.com",
        ),
        *("file:///etc/passwd", "javascript:alert(1)", "data:text/html,x", "ws://example.com"),
        *(
            "https:llm.example.com",
            "https:/llm.example.com",
            "https:///llm.example.com",
            "https://",
        ),
        # users
        *("https://user@llm.example.com", "https://user:pass@llm.example.com"),
        *("https://llm.example.com@127.0.0.1/", "https://llm.example.com:x@127.0.0.1/"),
        # ports
        *("https://llm.example.com:80", "https://llm.example.com:8443", "https://llm.example.com:"),
        *("https://llm.example.com:0443", "https://llm.example.com:22/"),
        # queries and fragments
        *(
            "https://llm.example.com?a=b",
            "https://llm.example.com/v1?",
            "https://llm.example.com/#a",
        ),
        *("https://llm.example.com/v1?url=https://127.0.0.1", "https://127.0.0.1#.example.com"),
        "https://127.0.0.1?.example.com",
        # what parsers read in different ways
        *("https://llm.example.com\\@127.0.0.1/", "https://127.0.0.1\\.example.com/"),
        *("https://llm.example.com/\\evil", "https://llm.example.com%2f@127.0.0.1/"),
        *("https://127.0.0.1%2f.example.com/", "https://127.0.0.1%23.example.com/"),
        *("https://llm.example.com/a b", "https://llm.example.com/\n", "https://llm.example.com\n"),
        *(
            "https://127.0.0.1\t.example.com",
            "https://llm.example.com\r\nx: y",
            " https://a.example",
        ),
        *("https://llm.example.com/\0", "https://llm.example.com/\x7f", "https://ex ample.com/"),
        # letters that a browser reads as others
        *(
            "https://x.localho\u017ft/",
            "https://x.localho\u017ft:443/v1",
            "https://127.0.0\uff0e1/",
        ),
        *(
            "https://127\u30020\u30020\u30021/",
            "https://x.\u24dbocalhost/",
            "https://x.local\u00adhost/",
        ),
        *("https://\u2488.1.1.1/", "https://\u0661.1.1.1/", "https://llm.example.com/\u00e9"),
        # IPv6
        *("https://[::1]/", "https://[fe80::1%25eth0]/", "https://[::ffff:127.0.0.1]/"),
        *("https://[::ffff:7f00:1]/", "https://[fd00:ec2::254]/", "https://[2606:4700::1111]/"),
        *("https://[::]/", "https://[0:0:0:0:0:ffff:a9fe:a9fe]/", "https://[64:ff9b::127.0.0.1]/"),
        # names that lead back home
        *(
            "https://localhost",
            "https://localhost/",
            "https://a.localhost./v1",
            "https://LOCALHOST",
        ),
        *("https://metadata.google.internal/computeMetadata/v1", "https://metadata/", "https://a."),
    ],
)
def test_an_address_that_is_no_public_one_is_refused_with_the_rule(url: str) -> None:
    with pytest.raises(BadBaseUrl, match="Use an https URL of a public host") as refused:
        checked_base_url(url)

    assert (refused.value.status, refused.value.code) == (400, 1002)


@example("localho\u017ft")
@given(st.lists(PIECES, max_size=8).map("".join) | st.text())
def test_whatever_is_taken_leads_to_a_public_host(end: str) -> None:
    for url in (
        end,
        f"https://{end}",
        f"https://llm.example.com{end}",
        f"https://{end}.example.com",
    ):
        try:
            taken = checked_base_url(url)
        except BadBaseUrl:
            continue
        parts = urlsplit(taken)
        assert taken.isascii()
        assert parts.scheme == "https"
        assert (parts.username, parts.port or 443) == (None, 443)
        assert is_public((parts.hostname or "").rstrip("."))
        assert "?" not in taken
        assert "#" not in taken


@given(st.integers(0, 2**32 - 1))
def test_no_spelling_of_a_private_address_is_taken(number: int) -> None:
    address = str(ipaddress.IPv4Address(number))
    assume(not ipaddress.IPv4Address(number).is_global)

    for host in spellings(address):
        with pytest.raises(BadBaseUrl):
            checked_base_url(f"https://{host}/")
