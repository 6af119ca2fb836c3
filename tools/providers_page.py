"""Write docs/providers.md from the declarations in src/providers."""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from providers import PROVIDERS  # noqa: E402 - the Worker's code, found by the line above
from providers.base import Provider  # noqa: E402

PAGE = ROOT / "docs" / "providers.md"

HEAD = """\
# Providers

<!-- Written by `make docs` from src/providers. -->

A request to a provider is `/v1/{account}/{gateway}/{slug}/{path}`, and `{path}` is what the vendor
itself has behind the address in the table. Clients that repeat a version or a prefix (`v1/`,
`openai/v1/`) may do so: it is not doubled. The vendor's own headers pass, its key among them; so do
its answers and its errors, unchanged. A server that is none of these is a
[custom provider](keys.md#custom-providers).

| slug | address | metered | tried again on | headers that pass |
| --- | --- | --- | --- | --- |
"""

MIDDLE = """
*Metered* is what the log knows of an answer, whole or streamed: tokens (cached and reasoning tokens
in their sums, and on their own), characters that were spoken, seconds of audio, images, seconds of
computing, searches, and the cost where the vendor tells it. What a vendor does not tell is unknown
in the log, never 0.

*Tried again on* are the statuses after which a [retry](requests.md#retries) tries again, when there
is no reason in the error not to: a quota that is used up is not asked again, whatever its status.
An overload that a vendor tells inside a stream of status 200 counts as well.

Llama is reached through `groq`, `cerebras`, `fireworks`, `openrouter`, `workers-ai`, `aws-bedrock`,
`google-vertex-ai`, `huggingface` and `replicate`; Meta has no API of its own any more.

`workers-ai` needs no key on Cloudflare: without one the models run through the Worker's own
binding, and answer as the REST API does. A key, sent or stored, takes the request over HTTPS to the
account in the path; so does a machine of one's own, where there is no binding.

## A request to each

`$GATEWAY` is the address of a gateway, such as `http://localhost:8787/v1/local/default`, and `$KEY`
the provider's key. Where the gateway [stores the key](keys.md#keys-of-providers), the header with
it is left out. A gateway that wants a token gets it in `cf-aig-authorization`.
"""


def page() -> str:
    """Return the page."""
    providers = sorted(PROVIDERS.items())
    rows = "".join(_row(slug, provider) for slug, provider in providers)
    return HEAD + rows + MIDDLE + "".join(_request(slug, provider) for slug, provider in providers)


def _row(slug: str, provider: Provider) -> str:
    meters = ", ".join(meter.replace("_", " ") for meter in provider.meters)
    headers = ", ".join(f"`{name}`" for name in provider.forwarded)
    address = f"`{provider.base_url}`" if provider.address else provider.base_url
    cells = (f"[`{slug}`]({provider.docs})", address, meters, _retried(provider), headers)
    return f"| {' | '.join(cells)} |\n"


def _retried(provider: Provider) -> str:
    """Return the statuses that the dialect calls retryable, asked of the dialect itself."""
    tried = [code for code in range(400, 600) if provider.dialect.failure(code, "", {}).retryable]
    few = [code for code in tried if code < 500]
    servers = [code for code in tried if code >= 500]
    if len(servers) < 50:
        return ", ".join(map(str, few + servers))
    but = ", ".join(str(code) for code in range(500, 600) if code not in servers)
    return ", ".join([*map(str, few), f"5xx but {but}" if but else "5xx"])


def _request(slug: str, provider: Provider) -> str:
    example = provider.example
    key = f"{provider.key.header}: {provider.key.form.format('$KEY')}"
    headers = [key, "content-type: application/json", *example.headers]
    lines = [
        f"curl $GATEWAY/{slug}/{example.path}",
        *(f'  -H "{header}"' for header in headers),
        f"  -d '{example.body}'",
    ]
    # A URL with a question mark would be a pattern to some shells.
    if "?" in example.path:
        lines[0] = f'curl "$GATEWAY/{slug}/{example.path}"'
    return f"\n### {slug}\n\n```sh\n" + " \\\n".join(lines) + "\n```\n"


def main() -> None:
    """Write the page."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
