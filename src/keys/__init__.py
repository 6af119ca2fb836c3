"""Keys of providers and tokens of callers: made, sealed, found."""
