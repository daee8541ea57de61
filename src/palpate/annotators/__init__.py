"""Several annotators of one study: consensus, outliers, how far they differ."""
