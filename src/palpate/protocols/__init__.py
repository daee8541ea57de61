"""Clinical protocols: which quantities are measured between which landmarks, and how.

A protocol is a TOML file beside this one (docs/protocols.md tells its keys); ``read_protocol``
reads it, ``measure`` applies it.
"""
