"""Each file is a promise, measured beside its peer in one run. `make bench` runs them all."""
