"""The arrays of one run, grown chunk by chunk as the model reads."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from pyscripts.kept_attention import KeptAttention
from pyscripts.kept_hidden_states import KeptHiddenStates
from pyscripts.layers import Layers, in_blocks
from pyscripts.metrics import attention, heads, residual
from pyscripts.metrics.likelihood import NO_TARGET, TokenStatistics, token_statistics
from pyscripts.model_outputs import ModelShape, Outputs
from pyscripts.rows import Rows

TOP_K = 50  # alternatives kept per token, the most a user can ask for
ATTENTION_BYTES = 160_000_000  # attention matrices are kept up to this size; above it they are recomputed on demand
HIDDEN_BYTES = 110_000_000  # hidden states are kept up to this size,
LONG_HIDDEN_BYTES = 32_000_000  # and of a longer text those of the first positions; others are recomputed on demand
NO_PREDICTION = "First token: no prediction, since the text was read without a prefix token."


class Trace:
    """Everything the views need of one run, by position (position 0 is the prefix token, if there is one).

    ids: token ids known so far, the prefix included; generation appends to them. Row p of every array belongs to
    position p; its statistics are of the token at p + 1, which the row predicted. Logits are reduced as they arrive;
    only those after the last position are kept.
    """

    why_no_layers: str | None = None  # why it has no attention and hidden states, as a sentence; None: it may have them
    in_windows = False  # whether the text was read in windows, so that a token saw only a part of the text before it

    def __init__(
        self, ids: Sequence[int], shape: ModelShape, *, prefix: bool, attention_bytes: float = ATTENTION_BYTES,
        hidden_bytes: float = HIDDEN_BYTES, begins_word: NDArray[np.bool_] | None = None,
    ) -> None:
        self.ids, self.shape, self.prefix = list(ids), shape, prefix
        self.begins_word = begins_word  # [vocabulary] which tokens begin a word; None: words are not known
        self.length = 0  # positions the model has read
        self._statistics = {field.name: Rows(0) for field in fields(TokenStatistics)}
        self._heads = {field.name: Rows(2) for field in fields(heads.HeadScores)}  # [layer, head, position]
        self._layers = {name: Rows(1) for name in (  # [layer or layer+1, position]
            "hidden_norm", "change_norm", "change_cosine", "attention_norm", "mlp_norm")}
        self._entropy, self._entropy_without_sink = Rows(2), Rows(2)  # [layer, head, position]
        self._contributions = False  # whether the model's graph outputs what attention and MLP added
        self.kept_hidden_states = KeptHiddenStates(hidden_bytes, LONG_HIDDEN_BYTES)
        self.kept_attention = KeptAttention(attention_bytes)
        self.last_logits: NDArray[np.float32] | None = None  # [vocab] after the last position read

    def restart(self, ids: Sequence[int], keep: int) -> None:
        """Switches to other ids, keeping the first `keep` rows.

        A row is valid while its position and the token it predicts are the same: ValueError unless keep + 1 ids agree.
        """
        if not 0 <= keep <= self.length or list(ids[: keep + 1]) != self.ids[: keep + 1] or keep >= len(ids):
            raise ValueError(f"cannot keep {keep} positions: the texts differ before that.")
        self._keep(keep)
        self.ids, self.length, self.last_logits = list(ids), keep, None

    def _keep(self, length: int) -> None:
        """Drops all rows after the first `length`."""
        for rows in self._rows().values():
            rows.keep(length)
        self.kept_attention.keep(length)
        self.kept_hidden_states.keep(length)

    def _rows(self) -> dict[str, Rows]:
        """All that grows with the positions, by name, but for the attention matrices and the hidden states."""
        others = {"attention_entropy": self._entropy, "attention_entropy_without_sink": self._entropy_without_sink}
        return {**self._statistics, **self._heads, **self._layers, **others}

    def state(self, *, hidden_states: bool = True, attentions: bool = True) -> dict[str, NDArray]:
        """Its arrays by name, from which `restore` makes an equal trace elsewhere; the two large ones if they are whole
        and wanted."""
        state = {name: rows.all() for name, rows in self._rows().items() if rows}
        if hidden_states and self.kept_hidden_states.complete:
            state["hidden_states"] = self.kept_hidden_states.all()
        if self.last_logits is not None:
            state["last_logits"] = self.last_logits
        if attentions and self.kept_attention.chunks():
            state["attentions"] = self.kept_attention.all()
        return state

    def restore(self, state: Mapping[str, NDArray]) -> None:
        """Takes the state of another trace of the same ids; nothing may have been read into this one.

        ValueError: an array is of another shape.
        """
        shape, length = self.shape, len(state["logprob"]) if "logprob" in state else 0
        if length > len(self.ids):
            raise ValueError(f"{length} positions were saved, but the run has only {len(self.ids)} tokens.")
        by_head = (*self._heads, "attention_entropy", "attention_entropy_without_sink")
        shapes = {**dict.fromkeys(by_head, (shape.layers, shape.heads, length)),
                  **dict.fromkeys(self._layers, (shape.layers, length)), "hidden_norm": (shape.layers + 1, length),
                  "attentions": (shape.layers, shape.heads, length, length),
                  "hidden_states": (shape.layers + 1, length, shape.hidden_size)}
        for name, expected in shapes.items():
            if name in state and state[name].shape != expected:
                raise ValueError(f"{name} has shape {state[name].shape}, but this model and run need {expected}.")
        for name, rows in self._rows().items():
            if name in state:
                if state[name].ndim <= rows.axis or state[name].shape[rows.axis] != length:
                    raise ValueError(f"{name} has shape {state[name].shape}, but {length} positions were saved.")
                rows.append(state[name])
        self.length = length
        self._contributions = "change_norm" in state
        self.last_logits = state.get("last_logits")
        if "hidden_states" in state:
            self.kept_hidden_states.append(state["hidden_states"], length)
        if "attentions" in state:
            self.kept_attention.append(state["attentions"])
        else:
            self.kept_attention.drop()

    def extend(self, outputs: Outputs) -> None:
        """Adds the model's outputs for the next positions. ValueError if a shape does not fit the model or run;
        MemoryError if there is no room for them: none is added then."""
        past, stop = self.length, self.length + len(outputs.logits)
        self._check(outputs, stop)
        try:
            self._score(outputs.logits, past)
            self.last_logits = outputs.logits[-1].copy()
            if outputs.attentions is not None:
                self._add_attentions(outputs.attentions, past)
            if outputs.hidden_states is not None:
                self._add_residual(outputs.hidden_states, outputs.attention_output, outputs.mlp_output)
        except MemoryError:
            self._keep(past)
            raise
        self.length = stop

    def _add_attentions(self, attentions: Layers, past: int) -> None:
        """Reduces attention [layer, head, query, key] to entropies and pattern masses, and keeps it if it fits."""
        layers, heads_, queries, stop = attentions.shape
        kept = self.kept_attention.append(attentions, len(self.ids))
        entropies, masses = list[attention.Entropies](), list[heads.HeadScores]()
        for block in in_blocks(attentions if kept is None else kept):
            every_head = block.reshape(-1, queries, stop)  # [layer · head, query, key]
            entropies.append(attention.entropies(every_head, past))
            masses.append(heads.pattern_mass(every_head, self.ids[:stop], past))

        def whole(parts: Sequence[attention.Entropies | heads.HeadScores], name: str) -> NDArray[np.float32]:
            joined = np.concatenate([getattr(part, name) for part in parts])
            return joined.reshape(layers, heads_, queries).astype(np.float32)  # as exact as they are computed

        self._entropy.append(whole(entropies, "entropy"))
        self._entropy_without_sink.append(whole(entropies, "without_sink"))
        hidden = {
            window: heads.chance(self.ids[:stop], past, window) for window in set(self.shape.windows) - {None}
        }  # a window may hide a pattern that occurs in the text
        for name, column in self._heads.items():
            mass = whole(masses, name)
            for layer, window in enumerate(self.shape.windows):
                if window is not None:
                    mass[layer][:, np.isnan(getattr(hidden[window], name))] = np.nan
            column.append(mass)

    def _score(self, logits: NDArray[np.float32], first: int) -> None:
        """Reduces logits [row, vocab], rows `first` ..., to the statistics of the tokens after them."""
        targets = np.full(len(logits), NO_TARGET)
        known = self.ids[first + 1 : first + 1 + len(logits)]
        targets[: len(known)] = known
        statistics = token_statistics(logits, targets, TOP_K, begins_word=self.begins_word)
        for name, column in self._statistics.items():
            column.append(getattr(statistics, name))

    def _add_residual(
        self, states: NDArray[np.float32], attention_output: NDArray[np.float32] | None,
        mlp_output: NDArray[np.float32] | None,
    ) -> None:
        self.kept_hidden_states.append(states, len(self.ids))
        self._layers["hidden_norm"].append(residual.norms(states))
        if attention_output is None or mlp_output is None:
            return
        changes = residual.changes(residual.unnormed(states, attention_output, mlp_output))
        self._contributions = True
        self._layers["change_norm"].append(changes.norm)
        self._layers["change_cosine"].append(changes.cosine)
        self._layers["attention_norm"].append(residual.norms(attention_output))
        self._layers["mlp_norm"].append(residual.norms(mlp_output))

    def _check(self, outputs: Outputs, stop: int) -> None:
        queries, shape = len(outputs.logits), self.shape
        if stop > len(self.ids):
            raise ValueError(f"{stop} positions were read, but the run has only {len(self.ids)} tokens.")
        added = (shape.layers, queries, shape.hidden_size)
        shapes = {
            "logits": (queries, shape.vocab_size),
            "attentions": (shape.layers, shape.heads, queries, stop),
            "hidden_states": (shape.layers + 1, queries, shape.hidden_size),
            "attention_output": added,
            "mlp_output": added,
        }
        for name, expected in shapes.items():
            array = getattr(outputs, name)
            if array is not None and array.shape != expected:
                raise ValueError(f"{name} has shape {array.shape}, but this model and run need {expected}.")

    @property
    def first(self) -> int:
        """Position of the first shown token: 1 after a prefix token, else 0."""
        return int(self.prefix)

    @property
    def shown(self) -> int:
        """Number of shown tokens read so far."""
        return max(0, self.length - self.first)

    def statistics(self) -> TokenStatistics:
        """TokenStatistics of the shown tokens; each token's come from the row before it.

        Without a prefix the first token has none: NaN, ids and rank 0.
        """
        rows = TokenStatistics(**{name: column.all() for name, column in self._statistics.items()})
        return rows.by_token(prefix=self.prefix)

    def newest(self, count: int = 1) -> TokenStatistics:
        """TokenStatistics [count, ...] of the last rows read, each of the token after its position."""
        return TokenStatistics(**{name: column.last(count) for name, column in self._statistics.items()})

    def new_word_after(self) -> float:
        """Log-probability that a word begins after the last position read, nats; NaN: words are not known."""
        return float(self.newest().new_word_logprob[0])

    def tokens_seen(self) -> NDArray[np.int64]:
        """[token] how many tokens of the text before each shown token the model saw; the prefix does not count."""
        return np.arange(self.shown)

    @property
    def has_attention(self) -> bool:
        """Whether the run holds what is computed from attention."""
        return bool(self._entropy)

    @property
    def has_hidden_states(self) -> bool:
        """Whether the run holds what is computed from the hidden states."""
        return bool(self._layers["hidden_norm"])

    def hidden_norm(self) -> NDArray[np.float64]:
        """[layer+1, token] L2 norm of the shown tokens' hidden states."""
        return self._layers["hidden_norm"].all()[:, self.first :]

    def contributions(self) -> dict[str, NDArray[np.float64]]:
        """change_norm, change_cosine, attention_norm and mlp_norm, each [layer, token] of the shown tokens; empty if
        the model's graph does not output what attention and MLP added."""
        names = ("change_norm", "change_cosine", "attention_norm", "mlp_norm") if self._contributions else ()
        return {name: self._layers[name].all()[:, self.first :] for name in names}

    def visible(self) -> NDArray[np.int64]:
        """[layer, token] how many positions each shown token can see in a layer, itself included."""
        return self._count(attention.visible)

    def attention_entropy(self, *, normalised: bool = False, sink: bool = True) -> NDArray[np.float64]:
        """[layer, head, token] in nats, or normalised by ln(visible positions), 0 ... 1.

        sink=False leaves out position 0, both in the row (renormalised) and in the count of visible positions. NaN if
        nothing is left or, when normalised, if only one position is.
        """
        entropy = (self._entropy if sink else self._entropy_without_sink).all()[:, :, self.first :]
        if not normalised:
            return entropy
        seen = self._count(attention.visible if sink else attention.visible_without_sink)
        return attention.normalise(entropy, seen[:, None])

    def _count(self, count: Callable[[int, int, int | None], NDArray[np.int64]]) -> NDArray[np.int64]:
        """[layer, token] a count of attention.py for the shown tokens."""
        layers = range(self.shape.layers)
        return np.array([count(self.length, 0, self.shape.window(layer)) for layer in layers])[:, self.first :]

    def sink_mass(self) -> NDArray[np.float64]:
        """[layer, head, token] attention from each shown token to position 0; NaN at position 0 itself and if a
        window hides it."""
        return self._heads["first_token"].all()[:, :, self.first :]

    def heads_on_text(self) -> heads.HeadScores:
        """[layer, head] mean mass on each pattern over all positions read (NaN if the text has no such
        visible pattern): what heads do on this text. Their type is a property of the model (manifest)."""
        return heads.scores(heads.HeadScores(**{name: rows.all() for name, rows in self._heads.items()}))

    def heads_by_chance(self) -> heads.HeadScores:
        """[layer] heads_on_text of a head that attends uniformly to every visible position."""
        ids = self.ids[: self.length]
        by_window = {window: heads.scores(heads.chance(ids, 0, window)) for window in {None, *self.shape.windows}}
        layers = [by_window[self.shape.window(layer)] for layer in range(self.shape.layers)]
        return heads.HeadScores(**{name: np.array([getattr(each, name) for each in layers]) for name in self._heads})

    def hidden_states(self) -> NDArray[np.float32]:
        """[layer+1, position, hidden], the prefix included. ValueError: they were too large to keep."""
        return self.kept_hidden_states.all()

    def pattern_masses(self) -> dict[str, NDArray[np.float64]]:
        """[layer, head, token] attention from each shown token to each pattern's keys, by the names of
        heads.HeadScores; NaN where the pattern has no visible key."""
        return {name: rows.all()[:, :, self.first :] for name, rows in self._heads.items()}

    def attention_entropy_at(self, position: int) -> NDArray[np.float64]:
        """[layer, head] entropy of one query's attention, nats."""
        return self._entropy.all()[:, :, position]
