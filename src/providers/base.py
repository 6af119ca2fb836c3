"""What a provider is: the facts that differ between vendors of one wire format."""

from dataclasses import dataclass

from dialects.base import Dialect


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A vendor, as data."""

    base_url: str
    """What a caller's path is appended to. No slash at its end."""
    docs: str
    dialect: Dialect
    prefixes: tuple[str, ...] = ()
    """What some clients repeat of the end of `base_url`: `openai/v1`, `v1`. One is removed."""
    headers: tuple[str, ...] = ("authorization",)
    """Request headers that this vendor reads, lower case, besides the ones that HTTP gives all.

    A name that ends in `*` stands for all that begin so.
    """

    def url(self, path: str, query: str, base_url: str | None = None) -> str:
        """Return the address of a path, both with and without a repeated prefix."""
        repeated = (f"{prefix}/" for prefix in self.prefixes)
        path = path.removeprefix(next(filter(path.startswith, repeated), ""))
        return f"{base_url or self.base_url}/{path}" + (f"?{query}" if query else "")
