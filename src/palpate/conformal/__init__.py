"""Conformal prediction: intervals that hold on new subjects whatever the errors are like."""
