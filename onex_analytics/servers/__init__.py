"""Doors that answer over the network, on loopback unless told otherwise."""
