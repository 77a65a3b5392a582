"""Python code that a user writes over the current run, and what its value is shown as; CPython and the page."""
