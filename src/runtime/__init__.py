"""The ports on Workers: with `entry.py` the only place that knows the Workers runtime."""
