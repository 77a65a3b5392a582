"""What can be computed for tokens, words, heads and layers; METRICS lists the numbers of tokens and words.

A new metric is one function of a Scored text with @metric(title, unit, source): it is then a column of the page, of
its CSV and of `tokenlight score --columns`.
"""

# Each module registers its metrics.
from pyscripts.metrics import token_metrics, word_metrics  # noqa: F401
from pyscripts.metrics.registry import METRICS, TAKEN, Metric, Scored, find, metric, needed

TAKEN.update(METRICS)

__all__ = ["METRICS", "Metric", "Scored", "find", "metric", "needed"]
