"""What held-out subjects say of a localiser's uncertainty: calibration, abstention, reasons."""
