"""Builds the Run, the plain JSON that scripts receive and Save → JSON writes; CPython and the analysis worker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts import VERSION
from pyscripts.colour import hue
from pyscripts.decoding.generation import Candidates, GenerationStep, describe, settings_from
from pyscripts.decoding.sampling import Distribution, distribution
from pyscripts.json_numbers import number, numbers
from pyscripts.metrics import METRICS, Scored, text
from pyscripts.metrics.word_metrics import words_of
from pyscripts.model_outputs import Outputs
from pyscripts.strides import StridedTrace
from pyscripts.tokens import Tokens
from pyscripts.trace import Trace

SCHEMA = "tokenlight.run/2"
MADE_BY = f"Tokenlight {VERSION}"
DEFAULT_TOP_K = 10
ON_TEXT = ("induction", "previous_token", "duplicate_token", "first_token")  # patterns whose mass is in the Run


@dataclass
class Reading:
    """A trace with the text and options it belongs to."""

    trace: Trace
    tokens: Tokens
    options: Mapping[str, Any]
    prompt_length: int | None = None  # shown tokens before the generated ones; None: nothing was generated
    steps: dict[int, GenerationStep] = field(default_factory=dict)  # by position of the generated token
    interventions: Mapping[str, Any] = field(default_factory=dict)  # empty: the model as it is
    timings: Mapping[str, float] = field(default_factory=dict)
    drawn_from: list[Distribution] = field(default_factory=list)  # what the newest tokens were drawn from
    saved: Mapping[str, Any] | None = None  # the Run of a file that it was opened from

    def scored(self) -> Scored:
        """What the metrics of the tokens read so far are computed from."""
        trace = self.trace
        statistics = trace.statistics()
        words, boundaries = np.zeros((0, 2), np.int64), np.zeros(trace.shown + 1)
        if trace.begins_word is not None:
            ids = trace.ids[trace.first : trace.length]
            words, boundaries = words_of(
                ids, trace.begins_word, self.tokens.control[: trace.shown], statistics.new_word_logprob,
                trace.new_word_after(),
            )
        return Scored(statistics, trace.tokens_seen(), words, boundaries)

    def draw(self, logits: NDArray[np.float32]) -> int:
        """Draws the next token's id from logits [vocabulary] with the run's options, and adds it to the trace's ids."""
        ids = self.trace.ids
        given = (self.prompt_length or 0) + self.trace.first
        prompt, generated = ids[:given], ids[given:]
        self.drawn_from.append(distribution(logits, settings_from(self.options), prompt, generated))
        ids.append(self.drawn_from[-1].draw(int(self.options.get("seed") or 0), len(generated)))
        return ids[-1]

    def extend(self, outputs: Outputs, drawn: Sequence[tuple[bytes, bool]] = ()) -> None:
        """Adds the model's outputs for the next positions. drawn: the tokens drawn from them, each as its bytes and
        whether it is a control token; how each was chosen is noted. ValueError: others were drawn."""
        if len(drawn) != len(self.drawn_from):
            raise ValueError(f"{len(self.drawn_from)} tokens were drawn, not {len(drawn)}.")
        ids = self.trace.ids
        first = len(ids) - len(drawn)
        for id, (piece, control) in zip(ids[first:], drawn, strict=True):
            self.tokens = self.tokens.with_token(id, piece, control)
        self.trace.extend(outputs)
        rows = self.trace.newest(self.trace.length - first + 1)
        for i, from_ in enumerate(self.drawn_from):
            self.steps[first + i] = describe(from_, ids[first + i], rows.since(i, i + 1))
        self.drawn_from.clear()


def build(reading: Reading, vocabulary: Sequence[str], model: Mapping[str, Any]) -> dict[str, Any]:
    """The Run of a reading (schema `tokenlight.run/2`, see README): nats, hue in degrees; None: no number.

    vocabulary: the text of every token id. model: its manifest. Generated runs have `steps`, one per generated token.
    A run that was opened from a file stays as it was saved.
    """
    if reading.saved is not None:
        return dict(reading.saved)
    trace, tokens = reading.trace, reading.tokens
    k = DEFAULT_TOP_K if reading.prompt_length is not None else int(reading.options.get("topK", DEFAULT_TOP_K))
    scored = reading.scored()
    statistics = scored.statistics
    columns = {name: each.cells(scored) for name, each in METRICS.items() if each.in_run}  # each [token]
    hues = hue.hue(statistics.logprob)
    rows = []
    for i in range(trace.shown):
        known = not np.isnan(statistics.entropy[i])
        best = statistics.top_ids[i, :k].tolist(), statistics.top_logprobs[i, :k].tolist()
        top = zip(*best, strict=True) if known else ()
        rows.append({
            "id": tokens.ids[i],
            "text": tokens.texts[i],
            "bytes": tokens.spans[i].tolist(),
            "hex": tokens.hex[i],
            "control": tokens.control[i],
            **{name: column[i] for name, column in columns.items()},
            "hue": number(hues[i]),
            "top": [{"id": id, "text": vocabulary[id], "logprob": number(value)} for id, value in top],
        })
    result = {
        "schema": SCHEMA,
        "made_by": MADE_BY,
        "model": {
            **{key: model.get(key) for key in ("id", "source", "revision", "weights", "sha256")},
            "prefix_reason": (model.get("prefix") or {}).get("reason"),
        },
        "prefix": prefix_of(reading, model),
        "interventions": dict(reading.interventions),
        "text": tokens.text,
        "options": {**reading.options, "prefix": trace.prefix},
        "tokens": rows,
        "windows": windows(trace),
        **_inside(trace),
        "summary": summary(reading, model),
        "timings": dict(reading.timings),
    }
    if reading.prompt_length is not None:
        result["prompt_tokens"] = reading.prompt_length
        result["steps"] = [step_json(reading.steps[p], p - trace.first, vocabulary) for p in sorted(reading.steps)]
    return result


def windows(trace: Trace) -> dict[str, Any] | None:
    """The windows of a text longer than the context, by position (the prefix counts); None: read in one pass."""
    if not isinstance(trace, StridedTrace):
        return None
    return {"context": trace.context, "stride": trace.stride, "ranges": [vars(window) for window in trace.windows]}


def _inside(trace: Trace) -> dict[str, Any]:
    """The numbers from attention and hidden states; None if they were not read, as for a text read in windows."""
    on_text = None
    if trace.has_attention:
        masses, by_chance = trace.heads_on_text(), trace.heads_by_chance()
        on_text = {
            name: {"mass": numbers(getattr(masses, name)), "chance": numbers(getattr(by_chance, name))}
            for name in ON_TEXT
        }
    return {
        "attention_entropy": numbers(trace.attention_entropy()) if trace.has_attention else None,
        "hidden_norm": numbers(trace.hidden_norm()) if trace.has_hidden_states else None,
        "heads_on_text": on_text,
    }


def summary(reading: Reading, model: Mapping[str, Any]) -> dict[str, Any]:
    """text.Summary of the tokens read so far, as JSON, with its `convention` as a sentence."""
    if reading.saved is not None:
        return dict(reading.saved["summary"])
    trace, tokens = reading.trace, reading.tokens
    logprob = trace.statistics().logprob
    whole = text.summary(logprob, tokens.data, tokens.spans[: trace.shown], tokens.total)
    prefix = prefix_of(reading, model)
    strided = (trace.context, trace.stride) if isinstance(trace, StridedTrace) else None
    words = text.convention(whole.scored_tokens, whole.tokens, whole.total_tokens, prefix, strided)
    return {**{name: number(value) for name, value in vars(whole).items()}, "convention": words}


def prefix_of(reading: Reading, model: Mapping[str, Any]) -> dict[str, Any] | None:
    """{id, text} of the prefix token the text was read after; None if there was none."""
    return {key: model["prefix"][key] for key in ("id", "text")} if reading.trace.prefix else None


def step_json(step: GenerationStep, token: int, vocabulary: Sequence[str]) -> dict[str, Any]:
    """A generation step as JSON; `token` is the index of the token it chose."""

    def named(candidates: Candidates) -> list[dict[str, Any]]:
        pairs = zip(candidates.ids.tolist(), candidates.probabilities.tolist(), strict=True)
        return [{"id": id, "text": vocabulary[id], "probability": p} for id, p in pairs]

    values = {name: value for name, value in vars(step).items() if name not in ("raw", "sampled")}
    both = {"raw": named(step.raw), "sampled": named(step.sampled)}
    return {"token": token, "text": vocabulary[step.id], **values, **both}
