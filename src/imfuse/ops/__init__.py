"""Pure functions on tensors ``(B, C, H, W)``: padding, filters, colour, thresholds, structural similarity."""
