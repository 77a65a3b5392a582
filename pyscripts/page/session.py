"""What JavaScript calls in the analysis worker: flat arrays and JSON in and out."""

import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts import patching, run
from pyscripts.colour import scales
from pyscripts.colour.colourings import COLOURINGS
from pyscripts.metrics import compare
from pyscripts.metrics.survey import Survey
from pyscripts.page import views
from pyscripts.page.arrays import to_numpy, token_columns, word_columns
from pyscripts.page.beside_session import BesideSession, Current
from pyscripts.page.blank import Blank
from pyscripts.page.device_trial import DeviceTrial
from pyscripts.page.models import Model, Models
from pyscripts.page.patches import PATCH, Patch
from pyscripts.page.readings import add_chunks, new_trace, windows_of
from pyscripts.run import Reading
from pyscripts.saved.opened import OpenedRun, open_reading
from pyscripts.tokens import Tokens


class Session(BesideSession):
    """One page's analysis: the loaded models and the current run. JavaScript keeps one of these.

    Arrays arrive as lists of JavaScript Float32Arrays, one per layer, and are copied once.
    """

    def __init__(self) -> None:
        self._models = Models()
        super().__init__()
        self._colouring = next(iter(COLOURINGS))
        self._whole_words = False  # whether words are coloured instead of tokens
        self._blank: Blank | None = None
        self._pinned: compare.Reading | None = None
        self._pinned_stream: patching.Stream | None = None
        self._read: Current | None = None  # the newest run that a model read: the next may keep its results
        self._opened: OpenedRun | None = None  # a file's run that is not shown yet

    def menus(self) -> str:
        """What no run changes, as JSON: {colourings, the default first; palettes: name -> {light, dark} [level],
        made_by: the version of Tokenlight}."""
        return json.dumps({
            "colourings": [{"id": c.id, "title": c.title, "description": c.description, "of_words": c.of_words}
                           for c in COLOURINGS.values()],
            "made_by": run.MADE_BY,
            "palettes": {name: scales.palette(name) for name in scales.PALETTES},
        }, default=vars)

    def use_model(self, manifest: str, vocabulary: str, control: str) -> None:
        """Takes manifest.json, the texts of all token ids, and the ids of control tokens, all as JSON. The current run
        stays."""
        self._models.add(manifest, vocabulary, control)

    def begin(self, run_id: int, request: str) -> str:
        """Starts a run. request (JSON): tokens (TokenizedText of protocol.js), options, conditions (model, prefix,
        interventions, stride), keep (positions of the previous run whose results are still valid), promptLength (null:
        read only). Returns the windows to read as JSON, [[start, stop]] by position; null: all in one pass.

        ValueError if results cannot be kept because the previous run was made under other conditions.
        """
        given = json.loads(request)
        tokens, conditions, keep = Tokens.from_json(given["tokens"]), given["conditions"], given["keep"]
        model, before = self._models.find(conditions["model"]), self._read
        steps, trace = {}, new_trace(model, tokens, conditions)
        windows = windows_of(trace)
        if keep and windows is None:
            if before is None or before.conditions != conditions:
                raise ValueError("Results of the previous run cannot be kept: it was made under other conditions.")
            ids, trace = trace.ids, before.reading.trace
            trace.restart(ids, keep)
            steps = {p: s for p, s in before.reading.steps.items() if p < len(ids) and ids[p] == s.id and p <= keep}
        if given["promptLength"] is None:
            steps = {}
        changed = json.loads(conditions["interventions"])
        reading = Reading(trace, tokens, given["options"], given["promptLength"], steps, changed)
        self._run = self._read = Current(run_id, conditions, model, reading)
        return json.dumps(windows)

    def sample(self, run_id: int, logits: Any) -> int:
        """Draws the next token's id from the last row of logits, using the run's options."""
        current = self._current(run_id)
        return current.reading.draw(to_numpy([logits], (1, current.model.manifest["vocab_size"]))[0])

    def extend(self, run_id: int, chunks: Any, appended: str) -> None:
        """Adds the outputs of passes (JavaScript objects, see ForwardChunk in protocol.js).

        appended (JSON): [AppendedToken] of protocol.js, the tokens drawn from them; how each was chosen is recorded
        here, while the model runs.
        """
        reading = self._current(run_id).reading
        add_chunks(reading, reading.trace, chunks, appended)

    def update(self, run_id: int, ended: bool = False) -> dict[str, Any]:
        """What the page shows of the tokens read since the last update: {first, count, arrays, words, colours, exact,
        summary}.

        Arrays cover the new tokens, row-major [token, …]; words (arrays) and summary (JSON) cover the whole text;
        colours (JSON): see GrowingColours.new. exact: whether no colour waits for the run to end.
        """
        current = self._current(run_id)
        reading, first = current.reading, current.updated
        trace = reading.trace
        columns = token_columns(reading, first)
        current.updated = trace.shown
        colours = current.coloured.new(
            COLOURINGS[self._colouring], reading.scored(), of_words=self._whole_words, exact=ended)
        return {
            "first": first,
            "count": trace.shown - first,
            "arrays": columns,
            "words": word_columns(reading),
            "colours": json.dumps(colours, default=vars),
            "exact": current.coloured.exact,
            "summary": json.dumps(run.summary(reading, current.model.manifest)),
        }

    def colour(self, colouring: str, of_words: bool) -> None:
        """Selects a colouring by its id, of tokens or of whole words, for all later updates."""
        if colouring not in COLOURINGS:
            raise ValueError(f"There is no colouring {colouring!r}. Choose one of {', '.join(COLOURINGS)}.")
        if of_words and not COLOURINGS[colouring].of_words:
            raise ValueError(f"“{COLOURINGS[colouring].title}” is about single tokens. Choose another one for words.")
        self._colouring, self._whole_words = colouring, of_words

    def finish(self, run_id: int, timings: str) -> None:
        """Records how long the parts of the run took (JSON, milliseconds)."""
        self._current(run_id).reading.timings = json.loads(timings)

    def open_saved(self, data: Any, name: str) -> str:
        """Reads the run of a JSON or NPZ file, a Uint8Array; the current run stays until show_saved. Returns what the
        page must know of it as JSON (SavedRun of protocol.js). ValueError: it is none."""
        self._opened = opened = open_reading(bytes(data.to_py()), name)
        reading, manifest, given = opened.reading, opened.manifest, opened.reading.prompt_length
        return json.dumps({
            "tokens": reading.tokens.to_json(),
            "conditions": opened.conditions,
            "given": len(reading.tokens.ids) if given is None else given,
            "literal": bool(reading.options.get("literal")),
            "text": opened.text,
            "model": {**{name: manifest.get(name) for name in ("id", "weights", "revision", "layers")},
                      "name": str(manifest.get("name") or manifest.get("id")),
                      "lens": bool((manifest.get("inputs") or {}).get("lens"))},
            "vocabulary": {id: text for id, text in enumerate(opened.vocabulary) if text},
            "why_no_layers": reading.trace.why_no_layers,
        }, allow_nan=False)

    def show_saved(self, run_id: int) -> None:
        """Makes the run of the newest file that was opened the current one."""
        if self._opened is None:
            raise ValueError("No file was opened.")
        opened, self._opened = self._opened, None
        model = Model(opened.manifest, opened.vocabulary, opened.control)
        self._run = Current(run_id, opened.conditions, model, opened.reading)

    def hand_over(self, run_id: int, hidden_states: bool, attentions: bool) -> dict[str, Any]:
        """The run for the lab (lab_session.py): {json, arrays}, the two large arrays only if they are wanted.

        json: {tokens, options, conditions, promptLength, steps (by position), timings, dtypes}.
        """
        current = self._current(run_id)
        reading = current.reading
        state = reading.trace.state(hidden_states=hidden_states, attentions=attentions)
        arrays = {name: np.ascontiguousarray(array) for name, array in state.items()}
        about = {
            "tokens": reading.tokens.to_json(), "options": dict(reading.options), "conditions": current.conditions,
            "promptLength": reading.prompt_length, "timings": dict(reading.timings),
            "steps": {position: step.to_json() for position, step in reading.steps.items()},
            "dtypes": {name: array.dtype.str for name, array in arrays.items()},
        }
        return {"json": json.dumps(about), "arrays": arrays}

    def lens_rows(self, run_id: int, position: int) -> NDArray[np.float32] | None:
        """[layer, hidden] the residual stream before each layer at one position: what the lens input takes. None: it is
        not kept."""
        states = self._current(run_id).reading.trace.kept_hidden_states.at(position)
        return None if states is None else np.ascontiguousarray(states[:-1])

    def patch_rows(self, run_id: int, kind: str, position: int) -> NDArray[np.float32]:
        """[position, layer, hidden or head · head_size] what, added to the current run from a position on, makes it the
        pinned one, as the kind of variants says (Patch.rows)."""
        context, patch = self._context(self._current(run_id)), Patch.of(kind)
        return np.ascontiguousarray(patch.rows(*views.streams(context, patch), position, context.model["heads"]))

    def inspected(self, run_id: int, position: int, logits: Any, lens_logits: Any, hidden_states: Any = None) -> None:
        """Takes the logits [vocab] of one position, its lens logits [layer, vocab] if the graph has a lens, and its
        hidden states [layer+1, hidden] if lens_rows did not have them; else None."""
        current = self._current(run_id)
        size, layers, hidden = (current.model.manifest[name] for name in ("vocab_size", "layers", "hidden_size"))
        row = to_numpy([logits], (1, size))[0]
        lens = None if lens_logits is None else to_numpy([lens_logits], (1, layers, size))[0]
        states = None if hidden_states is None else to_numpy([hidden_states], (1, layers + 1, hidden))[0]
        current.inspected = views.Inspected(position, row, lens, states)

    def begin_attention(self, run_id: int, layers: str) -> int:
        """Announces attention that is computed again: of some layers (JSON, a list), or of all heads ("null"). Returns
        of how many positions: those that were read, which are not all of a text whose reading was stopped.
        """
        current, chosen = self._current(run_id), json.loads(layers)
        trace = current.reading.trace
        survey = Survey(trace.shape.layers, trace.shape.heads, trace.length) if chosen is None else None
        current.recomputed.begin(chosen or [], survey)
        return trace.length

    def add_attention(self, run_id: int, count: int, parts: Any) -> None:
        """Takes the next `count` queries of it: one Float32Array [head, query, key] for each layer."""
        current = self._current(run_id)
        heads = current.reading.trace.shape.heads
        keys = parts[0].length // (heads * count)
        current.recomputed.add(to_numpy(parts, (len(parts), heads, count, keys)))

    def finish_attention(self, run_id: int) -> None:
        """Keeps it, now that all of it has arrived."""
        self._current(run_id).recomputed.finish()

    def begin_fill_in(self, model: str, logits: Any, request: str) -> str:
        """Starts filling in a blank after logits [vocab]; returns what the model must read for each candidate (JSON).

        model: its sha256. request (JSON): candidates and right (token ids), count (how many likely tokens to
        add), space (see likely).
        """
        loaded = self._models.find(model)
        self._blank = Blank(loaded, to_numpy([logits], (1, loaded.manifest["vocab_size"]))[0], json.loads(request))
        return self._blank.sequences()

    def score_fill_in(self, first: int, count: int, logits: Any) -> None:
        """Takes the logits of `count` sequences starting at `first`, each padded to the longest of them."""
        blank = self._current_blank()
        shape = blank.shape(first, count)
        blank.score(first, to_numpy([logits], (1, math.prod(shape)))[0].reshape(shape))

    def ranking(self) -> str:
        """The candidates as JSON, best first, each with its text (see fill_in.Ranked)."""
        return self._current_blank().ranking()

    def device_trial(self, manifest: str) -> DeviceTrial:
        """What compares a graphics card with the processor, for the model of this manifest.json."""
        return DeviceTrial(manifest)

    def pin(self, run_id: int) -> None:
        """Pins the current reading, to compare it with later ones of other texts or models."""
        current = self._current(run_id)
        reading = current.reading
        name, logprob = current.model.manifest["name"], reading.trace.statistics().logprob
        self._pinned = compare.Reading(name, reading.tokens, logprob)
        stream = patching.stream(reading, current.conditions["model"])
        self._pinned_stream = stream and stream.copy()
        current.beside.forget_a(PATCH)

    def view(self, run_id: int, name: str, arguments: str) -> dict[str, Any]:
        """One of views.VIEWS on the current run: {json, arrays}. ValueError if there is no such view."""
        current = self._current(run_id)
        context = self._context(current)
        if name not in views.VIEWS:
            raise ValueError(f"There is no view {name!r}.")
        args = json.loads(arguments)
        needed = args["view"] if name in ("table", "csv") else name
        why_no_layers = current.reading.trace.why_no_layers
        if why_no_layers and needed not in views.OF_LIKELIHOODS:
            raise ValueError(why_no_layers)
        plain, arrays = views.split(views.VIEWS[name](context, **args))
        return {"json": json.dumps(plain, allow_nan=False), "arrays": arrays}

    def _context(self, current: Current) -> views.Context:
        return views.Context(
            current.reading, current.model.manifest, current.model.vocabulary, current.inspected, current.recomputed,
            self._pinned, self._pinned_stream, current.beside,
        )

    def _current_blank(self) -> Blank:
        if self._blank is None:
            raise ValueError("No blank is being filled in.")
        return self._blank
