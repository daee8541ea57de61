"""What a person reads: overlays, and one self-contained page of a study."""
