"""What is measured of a model, and how the built one compares with PyTorch: every output, fidelity, prefix, heads."""
