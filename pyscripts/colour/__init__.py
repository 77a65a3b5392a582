"""Colours of tokens and charts, for light and dark pages."""
