"""Formats of weights: checkpoints and GGUF files in, compressed matrices and content-hashed chunks out."""
