"""Wire formats, one file each: pure functions that know no provider and do no I/O."""
