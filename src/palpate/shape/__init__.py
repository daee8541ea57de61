"""How the shape of landmarks varies: mean, modes, limits, fitting, left against right. No torch."""
