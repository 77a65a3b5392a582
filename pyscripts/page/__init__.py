"""What the page requests from Python: the session, columns, views with their tables, sentences."""
