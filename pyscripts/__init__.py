"""Every metric, statistic and colour of Tokenlight, in numpy and the standard library.

The same files run under CPython (tests and export) and in Pyodide (the page's analysis worker).
"""
