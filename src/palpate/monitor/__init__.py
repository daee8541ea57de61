"""Follow a stream: frames in, joints and summaries of movement out, with bounded delay."""
