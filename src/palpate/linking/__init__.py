"""From maps of joints and of connections to limbs: candidates, links, and one infant's pose."""
