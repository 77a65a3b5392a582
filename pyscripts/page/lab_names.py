"""What the editor offers after `run.` and `model.`, with the docstrings, and the names of metrics."""

import inspect
from typing import Any

from pyscripts.metrics import METRICS
from pyscripts.page.lab_model import LabModel
from pyscripts.page.lab_why import LabWhy
from pyscripts.result import Run

HIDDEN = {"reading", "model", "extend"}
OF_MODEL = (
    "read", "generate", "attribution", "contribution_weights", "dependence", "head_sweep", "head_means", "head_outputs")


def described() -> dict[str, list[dict[str, str]]]:
    """{run, model, metric: [{name, sign, doc}]}; sign: what follows the name of a method, such as "(position)"."""
    model = [each for kind in (LabModel, LabWhy) for each in _members(kind) if each["name"] in OF_MODEL]
    model.append({"name": "manifest", "sign": "", "doc": "What the model's manifest.json says: layers, heads …"})
    metrics = [{"name": name, "sign": "", "doc": _about(each)} for name, each in METRICS.items()]
    return {"run": _members(Run), "model": model, "metric": metrics}


def _members(kind: type) -> list[dict[str, str]]:
    found = []
    for name, member in vars(kind).items():
        if name.startswith("_") or name in HIDDEN:
            continue
        sign = ""
        if callable(member):
            sign = f"({', '.join(list(inspect.signature(member).parameters)[1:])})"
        found.append({"name": name, "sign": sign, "doc": inspect.getdoc(member) or ""})
    return found


def _about(metric: Any) -> str:
    return f"{metric.heading}, by {metric.axes[0]}. {inspect.getdoc(metric.function) or ''} Source: {metric.source}"
