"""The gateway, as other Workers have it bound."""
