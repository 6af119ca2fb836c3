"""Rules that limit requests, tokens and money, and the counters that they are held by."""
