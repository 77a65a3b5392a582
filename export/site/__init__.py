"""The page's own files, no model: libraries, list of files, server, package; run by `make`."""
