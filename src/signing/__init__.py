"""Ways to authorise a request that are more than a key in a header, one file each."""
