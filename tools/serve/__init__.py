"""Sluice on a machine of one's own: `make serve` runs the Worker on workerd, without Cloudflare."""
