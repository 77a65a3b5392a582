"""The layers lens's panels as tables, for screen readers and CSV."""

from collections.abc import Callable
from typing import Any

from pyscripts import run
from pyscripts.views import layers
from pyscripts.views.context import Context

Table = dict[str, Any]  # columns: [name], rows: [[cell]]; None is an empty cell


def _choice(found: dict[str, Any]) -> Table:
    keys = ("rank", "id", "text", "raw", "sampled", "chosen")
    titles = ["rank", "id", "token", "probability", "probability after filters", "chosen"]
    return {"columns": titles, "rows": [[row[key] for key in keys] for row in found.get("rows", ())]}


def _transformer_lab(found: dict[str, Any]) -> Table:
    rows: list[list[Any]] = [["prediction", i, p["text"], p["probability"], p["logit"]]
                             for i, p in enumerate(found["predictions"])]
    rows += [["activation (L2 norm)", layer, None, value, None] for layer, value in enumerate(found["activations"])]
    rows += [["attention entropy", layer, None, value, None] for layer, value in enumerate(found["attention_entropy"])]
    return {"columns": ["quantity", "index", "token", "value", "logit"], "rows": rows}


def _layers(found: dict[str, Any]) -> Table:
    keys = ["name", *layers.QUANTITIES, "change_cosine"]
    return {"columns": keys, "rows": [[row[key] for key in keys] for row in found["rows"]]}


def layer_map(context: Context, name: str) -> Table:
    """One row per shown token, one column per layer."""
    trace, texts = context.reading.trace, context.reading.tokens["texts"]
    values = layers.quantity(trace, name)  # [layer+1, token]
    first = 0 if name == "hidden_norm" else 1
    rows = [[token, texts[token], *map(run.number, values[first:, token])] for token in range(trace.shown)]
    return {"columns": ["index", "token", *layers.layer_names(trace)[first:]], "rows": rows}


def _dimensions(found: dict[str, Any]) -> Table:
    where = {top["index"]: ", ".join(f"{place['token']}: {place['text']!r}" for place in top["where"])
             for top in found["top"]}
    rows = [[i, value, where.get(i)] for i, value in enumerate(found["values"].tolist())]
    return {"columns": ["dimension", "value", "largest at tokens"], "rows": rows}


def _word_classes(found: dict[str, Any]) -> Table:
    keys = ("title", "count", "mean_surprisal_nats", "mean_entropy_nats")
    columns = ["class", "tokens", "mean surprisal (nats)", "mean entropy (nats)", "layers raised above the text"]
    for name in ("activity", "relative activity", "attention entropy (nats)"):
        columns += [f"{name}, layer {layer}" for layer in range(found["layers"])]
    rows = [
        [*(row[key] for key in keys), _raised(row["raised_layers"]), *row["activity"],
         *row["relative_activity"], *row["attention_entropy"]]
        for row in found["rows"]
    ]
    return {"columns": columns, "rows": rows}


def _raised(layers: list[int] | None) -> str:
    return "too few tokens" if layers is None else " ".join(map(str, layers)) or "none"


def _focus(found: dict[str, Any]) -> Table:
    keys = ("entropy", "normalised", "sink", "entropy_without_sink")
    rows: list[list[Any]] = []
    for layer, mean in enumerate(found["layers"]):
        rows.append([layer, "mean", *(mean[key] for key in keys)])
        for head in range(found["columns"]):
            at = layer * found["columns"] + head
            rows.append([layer, head, *(run.number(found[key][at]) for key in keys)])
    columns = ["entropy (nats)", "normalised entropy", "on the sink", "entropy without the sink (nats)"]
    return {"columns": ["layer", "head", *columns], "rows": rows}


def _lens(found: dict[str, Any]) -> Table:
    count = max((len(row["top"]) for row in found["layers"]), default=0)
    columns = ["layer", "rank of the next token", "its probability", "KL to the final distribution (nats)"]
    for place in range(1, count + 1):
        columns += [f"token {place}", f"probability {place}"]
    rows = []
    for row in found["layers"]:
        tops = [cell for top in row["top"] for cell in (top["text"], top["probability"])]
        rows.append([row["name"], row["rank"], row["probability"], row["divergence"], *tops])
    return {"columns": columns, "rows": rows}


TABLES: dict[str, Callable[[dict[str, Any]], Table]] = {
    "choice": _choice, "transformer_lab": _transformer_lab, "layers": _layers, "dimensions": _dimensions,
    "word_classes": _word_classes, "focus": _focus, "lens": _lens,
}
