"""Measure Sluice beside other gateways, on one machine in one run: `make bench`."""
