"""The only module that talks to JavaScript: flat arrays and JSON in and out; runs in the analysis worker."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts import generation, run, sampling, views
from pyscripts.colourings import COLOURINGS
from pyscripts.compare import Kept
from pyscripts.fill_in import FillIn, likely
from pyscripts.likelihood import surprisal_bits
from pyscripts.run import Reading
from pyscripts.sampling import Distribution
from pyscripts.trace import TOP_K, ModelShape, Outputs, Trace


class Session:
    """One page's analysis: the loaded model's facts and the current run. JavaScript keeps one of these.

    Arrays come as lists of JavaScript Float32Arrays, one a layer, and are copied once.
    """

    def __init__(self) -> None:
        self._model: dict[str, Any] = {}
        self._vocabulary: list[str] = []
        self._run_id = -1
        self._told = 0  # shown tokens of the current run that `update` has returned
        self._colouring = next(iter(COLOURINGS))
        self._reading: Reading | None = None
        self._drawn_from: Distribution | None = None  # what the newest token was drawn from
        self._inspected: views.Inspected | None = None
        self._attentions: views.LayerAttention | None = None
        self._fill_in: FillIn | None = None
        self._kept: Kept | None = None

    def use_model(self, manifest: str, vocabulary: str) -> None:
        """Takes manifest.json and the texts of all token ids, both as JSON; ends the current run."""
        self._model, self._vocabulary = json.loads(manifest), json.loads(vocabulary)
        self._reading = None

    def begin(self, run_id: int, request: str) -> None:
        """Starts a run. request (JSON): tokens (text, ids, texts, bytes), options, prefix (a prefix token comes first),
        keep (positions of the run before whose results still hold), promptLength (null: the text is only read)."""
        asked = json.loads(request)
        tokens, prefix, keep = asked["tokens"], asked["prefix"], asked["keep"]
        ids = ([self._model["prefix"]["id"]] if prefix else []) + tokens["ids"]
        before, steps = self._reading, {}
        if keep:
            assert before is not None
            trace = before.trace
            trace.restart(ids, keep)
            trace.prefix = prefix
            steps = {p: step for p, step in before.steps.items() if p < len(ids) and ids[p] == step.id and p <= keep}
        else:
            trace = Trace(ids, ModelShape.of(self._model), prefix=prefix)
        if asked["promptLength"] is None:
            steps = {}
        self._run_id, self._told = run_id, 0
        self._reading = Reading(trace, tokens, asked["options"], asked["promptLength"], steps)
        self._inspected = self._attentions = None

    def sample(self, run_id: int, logits: Any) -> int:
        """Draws the next token's id from the last row of logits, by the options the run began with."""
        reading = self._current(run_id)
        options, ids = reading.options, reading.trace.ids
        given = (reading.prompt_length or 0) + reading.trace.first
        prompt, generated = ids[:given], ids[given:]
        row = to_numpy([logits], (1, self._model["vocab_size"]))[0]
        self._drawn_from = sampling.distribution(row, generation.settings_from(options), prompt, generated)
        ids.append(sampling.sample(self._drawn_from.sampled, int(options.get("seed") or 0), len(generated)))
        return ids[-1]

    def extend(self, run_id: int, chunk: Any, appended: str | None) -> None:
        """Adds one chunk of model outputs (a JavaScript object, see ForwardChunk in protocol.js).

        appended (JSON): {id, text, bytes, whole}, the token just drawn; how is noted here, while the model goes on.
        """
        reading = self._current(run_id)
        trace, shape = reading.trace, reading.trace.shape
        if appended is not None:
            assert self._drawn_from is not None
            append_token(reading.tokens, json.loads(appended))
            step = generation.describe(self._drawn_from, trace.ids[-1], TOP_K)
            reading.steps[len(trace.ids) - 1] = step
        count = chunk.count
        states = (count, shape.hidden_size)
        contributions = {
            name: to_numpy(parts, (shape.layers, *states)) if (parts := getattr(chunk, key)) else None
            for name, key in (("attention_output", "attentionOutput"), ("mlp_output", "mlpOutput"))
        }
        trace.extend(Outputs(
            logits=to_numpy([chunk.logits], (1, count, shape.vocab_size))[0],
            attentions=to_numpy(chunk.attentions, (shape.layers, shape.heads, count, trace.length + count)),
            hidden_states=to_numpy(chunk.hiddenStates, (shape.layers + 1, *states)),
            **contributions,
        ))

    def update(self, run_id: int) -> dict[str, Any]:
        """What the page shows of the tokens read since the last update: {first, count, arrays, colours, summary}.

        Arrays cover the new tokens, row-major [token, …]; colours and summary (JSON) cover the whole text.
        """
        reading = self._current(run_id)
        first = self._told
        trace = reading.trace
        columns = token_columns(trace, first)
        self._told = trace.shown
        return {
            "first": first,
            "count": trace.shown - first,
            "arrays": columns,
            "colours": self._colours(trace),
            "summary": json.dumps(run.summary(reading, self._model)),
        }

    def colourings(self) -> str:
        """The colourings to choose from as JSON: a list of id, title and description, the default first."""
        return json.dumps([{"id": c.id, "title": c.title, "description": c.description} for c in COLOURINGS.values()])

    def colours(self, run_id: int, colouring: str) -> str:
        """Chooses a colouring by its id and returns the current text's colours as JSON; null while there is no run."""
        if colouring not in COLOURINGS:
            raise ValueError(f"There is no colouring {colouring!r}: choose one of {', '.join(COLOURINGS)}.")
        self._colouring = colouring
        return "null" if self._reading is None else self._colours(self._current(run_id).trace)

    def _colours(self, trace: Trace) -> str:
        return json.dumps(COLOURINGS[self._colouring].function(trace.statistics()), default=vars)

    def finish(self, run_id: int, timings: str) -> None:
        """Notes how long the parts of the run took (JSON, milliseconds)."""
        self._current(run_id).timings = json.loads(timings)

    def lens_rows(self, run_id: int, position: int) -> NDArray[np.float32]:
        """[layer, hidden] the residual stream before each layer at one position: what the lens input takes."""
        return np.ascontiguousarray(self._current(run_id).trace.hidden_states()[:-1, position])

    def inspected(self, run_id: int, position: int, logits: Any, lens_logits: Any) -> None:
        """Takes the logits [vocab] and lens logits [layer, vocab] of one position; None: this graph has no lens."""
        size = self._model["vocab_size"]
        row = to_numpy([logits], (1, size))[0]
        lens = None if lens_logits is None else to_numpy([lens_logits], (1, self._model["layers"], size))[0]
        self._current(run_id)
        self._inspected = views.Inspected(position, row, lens)

    def hold_attention(self, run_id: int, layer: int, parts: Any) -> None:
        """Takes one layer's attention computed again: a list of chunks [head, query, key] in reading order."""
        trace = self._current(run_id).trace
        chunks, start = [], 0
        for part in parts:
            array = to_numpy([part], (1, part.length))[0]
            # [head, query, key]: the keys are all positions up to the chunk's end, so its queries follow from its size
            per_head, queries = array.size // trace.shape.heads, 1
            while queries * (start + queries) < per_head:
                queries += 1
            chunks.append(array.reshape(trace.shape.heads, queries, start + queries))
            start += queries
        self._attentions = views.LayerAttention(layer, chunks)

    def begin_fill_in(self, logits: Any, request: str) -> str:
        """Starts to fill in a blank behind logits [vocab]; returns what the model must read for each candidate (JSON).

        request (JSON): candidates and right (token ids), count (so many likely tokens are added), space (see likely).
        """
        asked = json.loads(request)
        row = to_numpy([logits], (1, self._model["vocab_size"]))[0]
        added = likely(row, self._vocabulary, asked["count"], asked["space"])
        candidates = asked["candidates"] + [[id] for id in added if [id] not in asked["candidates"]]
        self._fill_in = FillIn(row, candidates, asked["right"])
        return json.dumps(self._fill_in.sequences())

    def score_fill_in(self, first: int, count: int, logits: Any) -> None:
        """Takes the logits of `count` sequences from `first` on, each padded to the same length."""
        assert self._fill_in is not None
        size = self._model["vocab_size"]
        self._fill_in.score(first, to_numpy([logits], (1, logits.length))[0].reshape(count, -1, size))

    def ranking(self) -> str:
        """The candidates as JSON, best first, each with its text (see fill_in.Ranked)."""
        assert self._fill_in is not None
        texts = self._vocabulary
        return json.dumps([
            {**asdict(ranked), "right_logprob": run.number(ranked.right_logprob), "logprob": run.number(ranked.logprob),
             "text": "".join(texts[id] for id in ranked.ids)}
            for ranked in self._fill_in.ranking()
        ])

    def keep(self, run_id: int) -> None:
        """Keeps the current reading, to be compared with later ones of other texts or models."""
        reading = self._current(run_id)
        tokens = {**reading.tokens, **{name: list(reading.tokens[name]) for name in ("ids", "texts", "bytes")}}
        self._kept = Kept(self._model["name"], tokens, reading.trace.statistics().logprob)

    def view(self, run_id: int, name: str, arguments: str) -> str:
        """One of views.VIEWS on the current run, as JSON."""
        reading = self._current(run_id)
        context = views.Context(
            reading, self._model, self._vocabulary, self._inspected, self._attentions, self._kept
        )
        if name not in views.VIEWS:
            raise ValueError(f"There is no view {name!r}.")
        return json.dumps(views.VIEWS[name](context, **json.loads(arguments)), allow_nan=False)

    def _current(self, run_id: int) -> Reading:
        if self._reading is None:
            raise ValueError("There is no run yet: analyse a text first.")
        if run_id != self._run_id:
            raise ValueError("This run was replaced by a newer one.")
        return self._reading


def token_columns(trace: Trace, first: int = 0) -> dict[str, NDArray]:
    """Every number the page shows beside a token, for the tokens from `first` on: [token] or [token, width], float32 or
    int32, C-contiguous."""
    found = trace.statistics().since(first)
    columns: dict[str, NDArray] = {
        name: np.asarray(getattr(found, name))
        for name in ("logprob", "probability", "entropy", "mass_above", "surprise_excess", "rank", "top_ids",
                     "top_logprobs")
    }
    columns["surprisal"] = surprisal_bits(found.logprob)
    columns["entropy_bits"] = found.entropy / np.log(2)
    columns["top_probabilities"] = np.exp(found.top_logprobs)
    columns["hidden_norm"] = trace.hidden_norm()[:, first:].T
    columns.update({name: array[:, first:].T for name, array in trace.contributions().items()})
    for name, normalised in (("attention_entropy", False), ("normalised_entropy", True)):
        by_head = trace.attention_entropy(normalised=normalised)[:, :, first:]  # [layer, head, token]
        layers, heads, tokens = by_head.shape
        columns[f"{name}_by_layer"] = by_head.mean(axis=1).T
        columns[f"{name}_by_head"] = by_head.reshape(layers * heads, tokens).T
    return {
        name: np.ascontiguousarray(a, a.dtype if np.issubdtype(a.dtype, np.integer) else np.float32)
        for name, a in columns.items()
    }


def append_token(tokens: dict[str, Any], token: dict[str, Any]) -> None:
    """Adds a generated token to the text it belongs to."""
    tokens["ids"].append(token["id"])
    tokens["texts"].append(token["text"])
    tokens["bytes"].append(token["bytes"])
    tokens["text"] = token["whole"]


def to_numpy(parts: Sequence[Any], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """JavaScript Float32Arrays, one a row of the result, copied once into a new array of that shape."""
    array = np.empty(shape, np.float32)
    for row, part in zip(array, parts, strict=True):
        part.assign_to(row)
    return array


