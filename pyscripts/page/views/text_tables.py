"""The surprisal strip and the lists of the tokens lens as tables, for screen readers and CSV."""

from typing import Any

from pyscripts.json_numbers import numbers
from pyscripts.metrics import METRICS
from pyscripts.page.views.context import Context
from pyscripts.page.views.registry import Table


def strip(context: Context, lines: dict[str, Any]) -> Table:
    """One row per shown token: every metric that is one number (pyscripts/metrics), and the smooth line."""
    reading = context.reading
    scored = reading.scored()
    metrics = [each for each in METRICS.values() if each.axes == ("token",)]
    if not reading.trace.in_windows:
        metrics.remove(METRICS["tokens_seen"])
    columns = [each.cells(scored) for each in metrics]
    smooth = numbers(lines["smooth_surprisal_nats"])
    cells = zip(reading.tokens.texts, *columns, smooth, strict=False)  # the texts may be ahead of what was read
    titles = [*(each.heading for each in metrics), "mean surprisal of 15 tokens (nats)"]
    return {"columns": ["index", "token", *titles], "rows": [[i, *row] for i, row in enumerate(cells)]}


def findings(_: Context, answer: dict[str, Any]) -> Table:
    """The lists of the tokens lens one below the other: the kind of each row, its place, and how surprising it was."""
    rows: list[list[Any]] = []
    for kind, name in (("surprise", "surprises"), ("less surprising than expected", "less_surprising")):
        rows += [[kind, each["token"], each["text"], None, each["probability"], each["surprisal_nats"],
                  each["entropy_nats"], each["expected"], None] for each in answer[name]]
    rows += [["word class", None, each["title"], each["count"], None, each["mean_surprisal_nats"],
              each["mean_entropy_nats"], None, None] for each in answer["classes"]]
    rows += [["repeated passage", each["start"], each["text"], each["length"], None, each["later_nats"], None, None,
              each["first_nats"]] for each in answer["copies"]]
    curve = answer["curve"]
    for place, (first, later, count) in enumerate(zip(curve["first"], curve["later"], curve["count"], strict=True)):
        rows.append(["place in repeated passages", place, None, count, None, later, None, None, first])
    columns = ["what", "index", "text", "tokens", "probability", "surprisal (nats)", "entropy (nats)", "expected",
               "surprisal the first time (nats)"]
    return {"columns": columns, "rows": rows}


def next_tokens(_: Context, answer: dict[str, Any]) -> Table:
    """The tokens that are expected after the text, the most likely first."""
    rows = [[rank, row["id"], row["text"], row["probability"]] for rank, row in enumerate(answer["rows"], start=1)]
    return {"columns": ["rank", "id", "token", "probability"], "rows": rows}
