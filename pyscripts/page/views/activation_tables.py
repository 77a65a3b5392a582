"""The layers lens's panels as tables, for screen readers and CSV."""

from typing import Any

from pyscripts.json_numbers import number
from pyscripts.page.views.context import Context
from pyscripts.page.views.registry import Table
from pyscripts.saved.shown_text import visible


def choice(_: Context, answer: dict[str, Any]) -> Table:
    keys = ("rank", "id", "text", "raw", "sampled", "chosen")
    titles = ["rank", "id", "token", "probability", "probability after filters", "chosen"]
    return {"columns": titles, "rows": [[row[key] for key in keys] for row in answer.get("rows", ())]}


def transformer_lab(_: Context, answer: dict[str, Any]) -> Table:
    rows: list[list[Any]] = [["prediction", i, p["text"], p["probability"], p["logit"]]
                             for i, p in enumerate(answer["predictions"])]
    rows += [["activation (L2 norm)", layer, None, value, None] for layer, value in enumerate(answer["activations"])]
    rows += [["attention entropy", layer, None, value, None] for layer, value in enumerate(answer["attention_entropy"])]
    return {"columns": ["quantity", "index", "token", "value", "logit"], "rows": rows}


def layers(_: Context, answer: dict[str, Any]) -> Table:
    return {"columns": list(answer["rows"][0]), "rows": [list(row.values()) for row in answer["rows"]]}


MAPPED = {
    "hidden_norm": "hidden state (L2 norm)", "change_norm": "change by the layer (L2 norm)",
    "attention_norm": "added by attention (L2 norm)", "mlp_norm": "added by the MLP (L2 norm)",
    "lens_rank": "logit lens: rank of the next token",
    "lens_logprob": "logit lens: log-probability of the next token (nats)",
    "lens_divergence": "logit lens: KL to the final distribution (nats)",
}  # what layer_map is about


def layer_map(context: Context, answer: dict[str, Any]) -> Table:
    """One row per shown token, one column per layer; `about`: of what."""
    texts, names, quantity = context.reading.tokens.texts, answer["names"], answer["quantity"]
    values = answer["values"].reshape(len(names), answer["columns"])  # [layer, token]
    known = [[number(value) for value in values[:, token]] for token in range(answer["columns"])]
    if quantity == "lens_rank":
        known = [[None if rank is None else int(rank) for rank in row] for row in known]
    rows = [[token, texts[token], *row] for token, row in enumerate(known)]
    return {"columns": ["index", "token", *names], "rows": rows, "about": MAPPED[quantity]}


def dimensions(_: Context, answer: dict[str, Any]) -> Table:
    where = {top["index"]: ", ".join(f"{place['token']}: {visible(place['text'])}" for place in top["where"])
             for top in answer.get("top", ())}
    rows = [[i, value, where.get(i)] for i, value in enumerate(answer["values"].tolist())] if answer["known"] else []
    return {"columns": ["dimension", "value", "largest at tokens"], "rows": rows}


def word_classes(_: Context, answer: dict[str, Any]) -> Table:
    keys = ("title", "count", "mean_surprisal_nats", "mean_entropy_nats")
    columns = ["class", "tokens", "mean surprisal (nats)", "mean entropy (nats)", "layers raised above the text"]
    for name in ("activity", "relative activity", "attention entropy (nats)"):
        columns += [f"{name}, layer {layer}" for layer in range(answer["layers"])]
    rows = [
        [*(row[key] for key in keys), _raised(row["raised_layers"]), *row["activity"],
         *row["relative_activity"], *row["attention_entropy"]]
        for row in answer["rows"]
    ]
    return {"columns": columns, "rows": rows}


def _raised(layers: list[int] | None) -> str:
    return "too few tokens" if layers is None else " ".join(map(str, layers)) or "none"


def focus(_: Context, answer: dict[str, Any]) -> Table:
    keys = ("entropy", "normalised", "sink", "entropy_without_sink")
    rows: list[list[Any]] = []
    for layer, mean in enumerate(answer["layers"]):
        rows.append([layer, "mean", *(mean[key] for key in keys)])
        for head in range(answer["columns"]):
            at = layer * answer["columns"] + head
            rows.append([layer, head, *(number(answer[key][at]) for key in keys)])
    columns = ["entropy (nats)", "normalised entropy", "on the sink", "entropy without the sink (nats)"]
    return {"columns": ["layer", "head", *columns], "rows": rows}


def lens(_: Context, answer: dict[str, Any]) -> Table:
    count = max((len(row["top"]) for row in answer["layers"]), default=0)
    columns = ["layer", "rank of the actual token", "its probability", "KL to the final distribution (nats)"]
    for place in range(1, count + 1):
        columns += [f"token {place}", f"probability {place}"]
    rows = []
    for row in answer["layers"]:
        tops = [cell for top in row["top"] for cell in (top["text"], top["probability"])]
        rows.append([row["name"], row["rank"], row["probability"], row["divergence"], *tops])
    return {"columns": columns, "rows": rows}
