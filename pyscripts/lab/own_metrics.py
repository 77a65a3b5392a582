"""The metrics that users' code registers in the lab, and the colours they give a run's text."""

import inspect
from typing import Any

import numpy as np

from pyscripts.lab.shade import coloured
from pyscripts.metrics import METRICS, TAKEN, Metric
from pyscripts.result import Run


def registered() -> list[Metric]:
    """Those of users' code."""
    return [metric for name, metric in METRICS.items() if name not in TAKEN]


def described(run: Run | None) -> list[dict[str, Any]]:
    """[{name, title, description, colours, error}] of users' metrics, with their colours for a run; None: it has none,
    and `error` says why."""
    return [_described(metric, run) for metric in registered()]


def _described(metric: Metric, run: Run | None) -> dict[str, Any]:
    about = f"{inspect.getdoc(metric.function) or ''} Source: {metric.source}".strip()
    found: dict[str, Any] = {"name": metric.name, "title": metric.heading, "description": about, "colours": None}
    if run is None:
        return {**found, "error": "There was no run to compute it for."}
    if metric.axes != ("token",):
        where = f'run.metric("{metric.name}") gives it'
        return {**found, "error": f"Only a metric with one number for each token is in the colour menu; {where}."}
    try:
        values = np.array(metric.cells(run.reading.scored()), np.float64)  # [token]; NaN: no number
        return {**found, "colours": coloured(values), "error": None}
    except Exception as error:  # of the user's function
        return {**found, "error": f"{type(error).__name__}: {error}"}
