"""What the page asks of Python: the session, columns, views and their tables, sentences."""
