"""The result of reading or generating: arrays by name, and the page's Run as JSON; natively and in the page's lab."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pyscripts import run
from pyscripts.checks import index, is_whole, path_of, said, whole
from pyscripts.decoding.generation import GenerationStep
from pyscripts.metrics import find
from pyscripts.metrics.likelihood import NO_TARGET, TokenStatistics
from pyscripts.model_outputs import Outputs
from pyscripts.options import KEPT
from pyscripts.rows import Rows
from pyscripts.run import Reading
from pyscripts.saved import files
from pyscripts.tokens import Target, Tokens, token_id
from pyscripts.trace import NO_PREDICTION, Trace


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    """The same numbers, which code that works in place cannot change: all later code would get them, too."""
    view = array.view()
    view.setflags(write=False)
    return view


class OfModel(Protocol):
    """What a run needs of the model that read it: pyscripts.native's, or the page's (pyscripts/page/lab_model.py)."""

    @property
    def manifest(self) -> Mapping[str, Any]:
        """Its manifest.json."""

    @property
    def vocabulary(self) -> Sequence[str]:
        """[id] text."""

    def lens(
        self, ids: Sequence[int], states: NDArray[np.float32], target: int, top_k: int,
        interventions: Mapping[str, Any] | None = None,
    ) -> Any:
        """lens.Lens at the last position of ids; the page's returns an awaitable of it."""


class Run:
    """A text with all its numbers. Tokens are those shown; positions count the prefix token; nats throughout.

    Arrays that were not kept raise ValueError. All are read-only: to change one, copy it first (run.resid.copy()).
    """

    def __init__(self, model: OfModel, reading: Reading, keep: Iterable[str]) -> None:
        self.model, self.reading = model, reading
        self._added = {name: Rows(1) for name in keep if name in ("attn_out", "mlp_out")}

    def __repr__(self) -> str:
        return f"Run of {len(self.reading.tokens.ids)} tokens: {self.text!r:.60}"

    def extend(self, outputs: Outputs, drawn: Sequence[tuple[bytes, bool]] = ()) -> None:
        """Adds the model's outputs for the next positions, and the tokens drawn from them (Reading.extend)."""
        self.reading.extend(outputs, drawn)
        for name, rows in self._added.items():
            rows.append(getattr(outputs, KEPT[name]))

    @property
    def text(self) -> str:
        """The text that the tokens cover; U+FFFD for bytes that are not UTF-8."""
        return self.reading.tokens.text

    @property
    def tokens(self) -> Tokens:
        """The text cut into tokens: their bytes (data), spans, ids and texts."""
        return self.reading.tokens

    @property
    def ids(self) -> NDArray[np.int64]:
        """[token] ids, without the prefix token."""
        return _read_only(np.array(self.reading.tokens.ids, np.int64))

    @property
    def position_ids(self) -> NDArray[np.int64]:
        """[position] ids, the prefix token's first."""
        return _read_only(np.array(self.reading.trace.ids, np.int64))

    @property
    def interventions(self) -> Mapping[str, Any]:
        """What was changed inside the model, as `read` takes it; {}: nothing."""
        return self.reading.interventions

    @property
    def conditions(self) -> dict[str, Any]:
        """What another text is read with to be read as this one: model.read(ids, **run.conditions)."""
        return {"prefix": self.reading.trace.prefix, "interventions": self.interventions}

    @property
    def steps(self) -> dict[int, GenerationStep]:
        """How each generated token was chosen (decoding.generation.GenerationStep), by its index in the run."""
        first = self.reading.trace.first
        return {position - first: step for position, step in sorted(self.reading.steps.items())}

    @property
    def last_logits(self) -> NDArray[np.float32]:
        """[vocabulary] after the last position: what would come next."""
        logits = self.reading.trace.last_logits
        if logits is None:
            raise ValueError("A text that is read in windows has no last logits.")
        return _read_only(logits)

    def position(self, token: int) -> int:
        """The position of a token, which counts the prefix token. ValueError: there is no such token."""
        return index(token, self.reading.trace.shown) + self.reading.trace.first

    def predicting(self, token: int) -> int:
        """The position whose logits predict a token: the one before it. ValueError: there is none."""
        if not (position := self.position(token)):
            raise ValueError(NO_PREDICTION)
        return position - 1

    def target(self, token: int, other: Target = None) -> int:
        """The id of a token of the run or, if one is given, of another: its id or its text. ValueError: the model has
        no such token."""
        return self.reading.trace.ids[self.position(token)] if other is None else token_id(other, self.model.vocabulary)

    @property
    def texts(self) -> list[str]:
        """[token] each token's text, U+FFFD for parts of characters."""
        return list(self.reading.tokens.texts)

    @property
    def spans(self) -> NDArray[np.int64]:
        """[token, 2] where each token begins and ends, as offsets into the bytes of all tokens."""
        return _read_only(self.reading.tokens.spans)

    @property
    def statistics(self) -> TokenStatistics:
        """Log-probability, rank, entropy, mass above and the 50 most likely alternatives of each token."""
        return self.reading.trace.statistics()

    def metric(self, name: str) -> NDArray:
        """Any registered metric (pyscripts.metrics.METRICS) by name, by token or word."""
        return _read_only(find(name).values(self.reading.scored()))

    @property
    def words(self) -> NDArray[np.int64]:
        """[word, 2] the first token of each word, and the one after its last."""
        return _read_only(self.reading.scored().words)

    @property
    def logprob(self) -> NDArray[np.float64]:
        """[token] nats; NaN for a first token without a prefix."""
        return self.statistics.logprob

    @property
    def rank(self) -> NDArray[np.int32]:
        """[token] 1 = most likely; 0 for a first token without a prefix."""
        return self.statistics.rank

    @property
    def entropy(self) -> NDArray[np.float64]:
        """[token] nats, of the distribution before the token."""
        return self.statistics.entropy

    @property
    def attentions(self) -> NDArray[np.float32]:
        """[layer, head, query, key] by position, 0 ... 1, zeros above the diagonal."""
        return _read_only(self._layers().kept_attention.all())

    @property
    def resid(self) -> NDArray[np.float32]:
        """[layer+1, position, hidden] the residual stream: the embeddings, then the state after each layer, the last
        one after the final norm."""
        return _read_only(self._layers().hidden_states())

    @property
    def attn_out(self) -> NDArray[np.float32]:
        """[layer, position, hidden] what attention added to the residual stream."""
        return self._rows("attn_out")

    @property
    def mlp_out(self) -> NDArray[np.float32]:
        """[layer, position, hidden] what the MLP added to the residual stream."""
        return self._rows("mlp_out")

    def _layers(self) -> Trace:
        """The trace. ValueError: it was read in windows, and has no layers."""
        if why_no_layers := self.reading.trace.why_no_layers:
            raise ValueError(why_no_layers)
        return self.reading.trace

    def _rows(self, name: str) -> NDArray[np.float32]:
        self._layers()
        if name not in self._added:
            raise ValueError(f"{name} was not kept: read the text with keep=({name!r},).")
        return _read_only(self._added[name].all())

    def lens(self, position: int, top_k: int = 10) -> Any:
        """The logit lens at a position (a metrics.lens.Lens): what each layer would predict, the model's own prediction
        last. Needs resid. In the page it is awaited: `await run.lens(3)`."""
        trace = self._layers()
        if not is_whole(position) or not 0 <= position < trace.length:
            raise ValueError(f"There is no position {said(position)}: the run has {trace.length}, numbered from 0.")
        after = trace.ids[position + 1] if position + 1 < len(trace.ids) else NO_TARGET
        whole("top_k", top_k, 0)
        states = trace.kept_hidden_states.at(position)
        if states is None:
            states = trace.hidden_states()[:, position]  # ValueError: it is not kept
        return self.model.lens(trace.ids[: position + 1], states[:-1], after, top_k, self.reading.interventions)

    def of_tokens(self, array: NDArray, axis: int | None = None) -> NDArray:
        """The part of an array by position that belongs to the shown tokens, without the prefix token.

        axis: the axis of positions; None: the only axis as long as the run. ValueError: there is none, or several.
        """
        trace = self.reading.trace
        if not isinstance(array, np.ndarray):
            raise ValueError(f"of_tokens takes an array, such as run.resid, not {said(array)}.")
        fitting = [i for i, size in enumerate(array.shape) if size == trace.length]
        if axis is None and len(fitting) != 1:
            raise ValueError(f"axes {fitting} of an array {array.shape} are as long as the run. Choose one with axis=.")
        at = fitting[0] if axis is None else axis
        return np.take(array, range(trace.first, trace.length), axis=at)

    def save(self, path: str | Path) -> None:
        """Writes a file that the page opens, too (.json, .npz), or a table (.csv) or a page of the coloured text
        (.html). ValueError: its ending is another one."""
        path = path_of("The file", path)
        more = {name: rows.all() for name, rows in self._added.items()}
        run = files.Saveable(self.reading, self.model.vocabulary, self.model.manifest, more=more)
        path.write_bytes(files.write(run, path.suffix.removeprefix(".").lower()))

    def to_json(self) -> dict[str, Any]:
        """The page's Run (schema `tokenlight.run/2`, run.schema.json); null for what was not read."""
        return run.build(self.reading, self.model.vocabulary, self.model.manifest)


def check_run(run: Any, manifest: Mapping[str, Any]) -> None:
    """Whether a model can be asked about a run. ValueError: it was read with another model than the manifest's, or in
    windows. TypeError: it is no run."""
    if not isinstance(run, Run):
        raise TypeError(f"A run is what read or generate gives, not {said(run)}.")
    if run.model.manifest["sha256"] != manifest["sha256"]:
        raise ValueError(f"“{run.text:.40}” was read with another model. Read it with this one.")
    if why_no_layers := run.reading.trace.why_no_layers:
        raise ValueError(why_no_layers)
