"""A loaded model: reads a text, generates, and gives the logits that scoring a corpus needs."""

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscripts.alignment import Align
from pyscripts.checks import path_of, whole
from pyscripts.interventions import checked, inputs
from pyscripts.metrics import lens
from pyscripts.metrics.attribution import Attribution
from pyscripts.metrics.word_metrics import begins_word
from pyscripts.model_outputs import ModelShape, Outputs
from pyscripts.native import why
from pyscripts.native.files import read_file, read_manifest
from pyscripts.native.session import Past, Session, most_threads
from pyscripts.native.tokenizer import TextTokenizer
from pyscripts.options import KEPT, generate_options, kept, read_options, text_or_ids
from pyscripts.result import Run
from pyscripts.run import Reading
from pyscripts.strides import StridedTrace
from pyscripts.tokens import Target, Tokens
from pyscripts.trace import ATTENTION_BYTES, Trace

NO_TEXT = "There is no text to read."


def load(folder: str | Path, *, threads: int | None = None) -> "Model":
    """Loads a model folder such as site/models/smollm2.

    threads: threads of onnxruntime, 1 to 64 or to the number of cores, if that is more; None: one per core. ModelError
    (a ValueError): the folder is not a model folder, or it is incomplete or damaged.
    """
    if threads is not None:
        threads = whole("threads", threads, 1, most_threads())
    folder = path_of("The model folder", folder)
    manifest = read_manifest(folder)
    tokenizer = TextTokenizer(read_file(folder, manifest, "tokenizer.json").decode())
    return Model(manifest, Session(folder, manifest, threads or 0), tokenizer)


class Model:
    """A model in onnxruntime with its tokenizer; all facts about it come from its manifest."""

    def __init__(self, manifest: Mapping[str, Any], session: Session, tokenizer: TextTokenizer) -> None:
        self.manifest, self.session, self.tokenizer = manifest, session, tokenizer
        self.shape = ModelShape.of(manifest)
        self.vocabulary = tokenizer.vocabulary(manifest["vocab_size"])  # [id] text
        control = [id for id, token in tokenizer.added.items() if token["special"]]
        self.begins_word = begins_word(self.vocabulary, control)  # [id]

    def prefix_ids(self, prefix: bool) -> list[int]:
        """The ids to read before a text: the prefix token's, if it is wanted and the model has one."""
        token = self.manifest.get("prefix")
        return [token["id"]] if prefix and token else []

    def read(
        self, text: str | Sequence[int], *, keep: Iterable[str] | None = None, prefix: bool = True,
        literal: bool = False, stride: int | None = None, top_k: int = 10, max_tokens: int | None = None,
        interventions: Mapping[str, Any] | None = None,
    ) -> Run:
        """Reads a text (or token ids) as far as the context goes or, with `stride`, all of it in windows.

        keep: what to compute and keep besides the likelihoods: any of attentions, resid, attn_out and mlp_out; () is
        fastest. None: attentions (kept up to 160 MB) and resid, from which the page's Run is computed. prefix: whether
        the model's prefix token comes first. literal: control tokens are read as plain text. stride: a text longer than
        the context is read in windows, each starting this many tokens after the previous one, for its likelihoods only
        (without keep).
        top_k: alternatives per token in `to_json`, 0 ... 50. max_tokens: read no more tokens than this. interventions:
        what is changed inside the model (pyscripts/interventions.py). ValueError: there is no text, or an option is out
        of range.
        """
        names, changes = kept(keep, self.manifest, stride), checked(interventions, self.manifest)
        context, started = self.manifest["context_length"], time.perf_counter()
        options = read_options(context, top_k=top_k, prefix=prefix, literal=literal, stride=stride)
        if max_tokens is not None:
            whole("max_tokens", max_tokens, 1)
        front = self.prefix_ids(prefix)
        room = context - len(front) if stride is None else None
        tokens = self._tokens(text, min((n for n in (room, max_tokens) if n is not None), default=None), literal)
        if not tokens.ids:
            raise ValueError(NO_TEXT)
        ids = [*front, *tokens.ids]
        if stride is not None and len(ids) > context:
            if changes:
                raise ValueError("A text that is read in windows cannot have interventions: their positions differ.")
            windowed = StridedTrace(
                ids, self.shape, context, stride, prefix=bool(front), begins_word=self.begins_word)
            for window in windowed.windows:
                for logits in self.logits(ids[window.start : window.stop]):
                    windowed.score(logits)
            return Run(self, self._timed(Reading(windowed, tokens, options), started), ())
        run = Run(self, Reading(self._trace(ids, bool(front), keep), tokens, options, interventions=changes), names)
        for outputs, _ in self.session.chunks(ids, self._outputs(names), interventions=changes):
            run.extend(self._unpack(outputs))
        self._timed(run.reading, started)
        return run

    def generate(
        self, prompt: str | Sequence[int], *, max_tokens: int = 50, temperature: float | None = None,
        top_k: int | None = None, top_p: float | None = None, min_p: float | None = None,
        repetition_penalty: float | None = None, frequency_penalty: float | None = None, seed: int = 0,
        greedy: bool = False, stop: str | Sequence[str] = (), stop_at_end: bool = True, prefix: bool = True,
        literal: bool = False, keep: Iterable[str] | None = None, interventions: Mapping[str, Any] | None = None,
    ) -> Run:
        """Continues a prompt with the page's sampling; the same seed gives the same text as in the page.

        The settings are those of `pyscripts.decoding.sampling.Settings`; None leaves the distribution unchanged.
        Ends after max_tokens, at an end token (if stop_at_end), at a `stop` text, or when the context is full. keep and
        interventions: as in `read`. ValueError: an option is out of range, or the prompt leaves no room.
        """
        options = generate_options(
            max_tokens=max_tokens, temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, seed=seed,
            repetition_penalty=repetition_penalty, frequency_penalty=frequency_penalty, greedy=greedy, stop=stop,
            stop_at_end=stop_at_end, prefix=prefix, literal=literal)
        count = options["maxTokens"]
        names, front, started = kept(keep, self.manifest), self.prefix_ids(prefix), time.perf_counter()
        changes = checked(interventions, self.manifest)
        tokens = self._tokens(prompt, None, literal)
        room = self.manifest["context_length"] - len(front) - len(tokens.ids)
        if not tokens.ids and not front:
            raise ValueError(NO_TEXT)
        if count and room < 1:
            raise ValueError(f"The prompt fills the whole context of {self.manifest['context_length']} tokens. "
                             f"Shorten it to leave room for new ones.")
        ids, length = [*front, *tokens.ids], len(tokens.ids)
        reading = Reading(self._trace(ids, bool(front), keep), tokens, options, length, interventions=changes)
        run = Run(self, reading, names)
        outputs, begin = self._outputs(names), len(tokens.text)
        passes = self.session.chunks(ids, outputs, keep_past=True, interventions=changes)
        values, past = next(passes)
        pending = self._unpack(values)  # kept until the token drawn from its last row is known
        for step in passes:
            run.extend(pending)
            values, past = step
            pending = self._unpack(values)
        for _ in range(min(count, room)):
            id = run.reading.draw(pending.logits[-1])
            piece = self.tokenizer.pieces([*run.reading.tokens.ids, id])[-1]
            run.extend(pending, [(piece, self.tokenizer.is_control(id))])
            values, past = next(
                self.session.chunks([id], outputs, past=past, keep_past=True, interventions=changes))
            pending = self._unpack(values)
            written = run.text[begin:]
            if (stop_at_end and id in self.manifest["eos"]) or any(each in written for each in options.get("stop", ())):
                break
        run.extend(pending)
        self._timed(run.reading, started, tokens=len(run.reading.tokens.ids) - length)
        return run

    def logits(self, ids: Sequence[int]) -> Iterable[NDArray[np.float32]]:
        """The logits of ids, prefix included, a few hundred rows at a time: [row, vocabulary]."""
        name = self.manifest["outputs"]["logits"]
        return (outputs[name][0] for outputs, _ in self.session.chunks(ids, [name]))

    def batch_logits(self, rows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """[row, token, vocabulary] of several short sequences at once; ignore what follows the end of a shorter one."""
        lengths = [len(row) for row in rows]
        padded = np.zeros((len(rows), max(lengths)), np.int64)  # [row, token]
        for i, row in enumerate(rows):
            padded[i, : len(row)] = row
        name = self.manifest["outputs"]["logits"]
        return self.session.forward(padded, [name], lengths=lengths)[name]

    def lens(
        self, ids: Sequence[int], states: NDArray[np.float32], target: int, top_k: int,
        interventions: Mapping[str, Any] | None = None,
    ) -> lens.Lens:
        """The logit lens at the last position of ids; states: its residual stream [layer, hidden] before each layer."""
        names = self.manifest["outputs"]
        if not names.get("lens_logits"):
            raise ValueError(f"{self.manifest['name']} has no logit lens.")
        past: Past | None = None
        if len(ids) > 1:
            *_, (_, past) = self.session.chunks(ids[:-1], [], keep_past=True, interventions=interventions)
        fetched = [names["logits"], names["lens_logits"]]
        changes = inputs(interventions or {}, self.manifest, np.array([len(ids) - 1]), len(ids)) | {"lens": states}
        outputs = self.session.forward(np.array([ids[-1:]], np.int64), fetched, past=past, changes=changes)
        rows = np.concatenate([outputs[names["lens_logits"]], outputs[names["logits"]][0]])  # [layer + 1, vocabulary]
        return lens.read(rows, target, top_k)

    def attribution(self, run: Run, token: int, target: Target = None, versus: Target = None) -> Attribution:
        """Splits the logit of a token, as the model saw it before the token, into what each part added (why.py).

        token: its index in the run. target: another token (its id or text), in its place. versus: a token it is
        compared with; then it is the difference of the two logits that is split.
        """
        return why.attribution(self, run, token, target, versus)

    def contribution_weights(self, run: Run, token: int) -> NDArray[np.float64]:
        """[layer, head, key] the share of what each layer's attention added, where the token is predicted, that each
        head brought from each position (metrics.attribution.contribution_weights)."""
        return why.contribution_weights(self, run, token)

    def dependence(self, run: Run, token: int, target: Target = None) -> NDArray[np.float64]:
        """[position] how the target's log-probability changes if the prediction may not look at that position directly,
        nats; for the positions before the one that predicts."""
        return why.dependence(self, run, token, target)

    def head_sweep(
        self, run: Run, token: int, target: Target = None, scope: str = "last", mean: bool = False
    ) -> NDArray[np.float64]:
        """[layer, head] how the target's log-probability changes if one head is off, nats; scope: where it is off, at
        the position that predicts ("last") or in the whole text ("text"). Off is zero ablation or, with `mean`, mean
        ablation: its mean output (`head_means`) is put in its place."""
        return why.head_sweep(self, run, token, target, scope, mean)

    def heads_off(
        self, run: Run, token: int, heads: Sequence[Sequence[int]], target: Target = None, scope: str = "last",
        mean: bool = False,
    ) -> float:
        """How the target's log-probability changes if some heads [(layer, head)] are off together, nats; the others as
        in `head_sweep`. If it falls by more than the sum of their own changes, each is a backup of another."""
        return why.heads_off(self, run, token, heads, target, scope, mean)

    def head_means(self, run: Run) -> NDArray[np.float32]:
        """[layer, head, head_size] each head's output before W_O, mean over all positions of the run's text, prefix
        included, as the unchanged model reads it (metrics/ablation.py)."""
        return why.head_means(self, run)

    def context_curve(self, run: Run, token: int, target: Target = None) -> why.Curve:
        """The target's log-probability after only the last 1, 2, 4 … tokens before it, and after all of them.

        The run's interventions hold in every shorter text: those without a position, and those at a token that is in
        it; a cut link or a vector at a token that is left out is left out with it."""
        return why.context_curve(self, run, token, target)

    def head_outputs(self, run: Run) -> NDArray[np.float32]:
        """[layer, head, position, head_size] each head's output before W_O under the run's interventions, with what
        they add to it (metrics/head_outputs.py). Positions count the prefix token."""
        return why.outputs_of_heads(self, run)

    def patch_sweep(
        self, run_a: Run, run_b: Run, target: Target = None, versus: Target = None, align: Align = None
    ) -> NDArray[np.float64]:
        """[layer+1, position] how the prediction after all of run_b changes, nats, if the residual stream of run_a that
        enters a layer (the last row: the final norm) is copied into it at one position.

        The number is the change of log p(target) or, with `versus`, of its difference to log p(versus); both are token
        ids. With neither, the target is run_a's most likely next token and `versus` run_b's. Exactly 0 before the first
        token that differs. align: how runs of different lengths are aligned, from the "start", from the "end", "both":
        the beginning and the end that they have in common, or pairs [token of run_a, token of run_b]; 0 at positions
        with no counterpart. The last value of the last row is NaN if run_a's last token is no counterpart of run_b's.
        ValueError: the runs are not of equally many tokens and align is None, the pairs do not fit them, they are not
        of this model, or their residual stream was not kept.
        """
        return why.patch_sweep(self, run_a, run_b, target, versus, align)

    def patch_head_sweep(
        self, run_a: Run, run_b: Run, target: Target = None, versus: Target = None, align: Align = None,
        token: int | None = -1,
    ) -> NDArray[np.float64]:
        """[layer, head] how the prediction after all of run_b changes, nats, if one head's output in run_a is copied
        into it at a token of run_b, the last unless another is named; None: at every token.

        The other arguments and errors are those of `patch_sweep`. Exactly 0 if nothing differs at that token."""
        return why.patch_head_sweep(self, run_a, run_b, target, versus, align, token)

    def steering_vector(
        self, run_a: Run | Sequence[Run], run_b: Run | Sequence[Run], layer: int, mean: bool = False
    ) -> NDArray[np.float32]:
        """[hidden] the residual stream of run_a minus that of run_b, as it enters a layer: at the last position of each
        or, with `mean`, the means over their tokens. Of lists of runs, the mean over each list is taken. Times a
        strength, it is a vector for `interventions`: {"add": [{"layer": layer, "position": None, "vector": vector}]}.
        ValueError: a run is of another model, or its residual stream was not kept."""
        return why.steering_vector(self, run_a, run_b, layer, mean)

    def _trace(self, ids: Sequence[int], prefix: bool, keep: Iterable[str] | None) -> Trace:
        limit = ATTENTION_BYTES if keep is None else float("inf")  # attentions that were asked for are all kept
        return Trace(ids, self.shape, prefix=prefix, attention_bytes=limit, hidden_bytes=float("inf"),
                     begins_word=self.begins_word)

    def _tokens(self, given: str | Sequence[int], limit: int | None, literal: bool) -> Tokens:
        text = text_or_ids(given, self.manifest["vocab_size"])
        if isinstance(text, str):
            return self.tokenizer.encode(text, limit, literal=literal)
        return self.tokenizer.describe(text[:limit], total=len(text))

    def _outputs(self, names: Iterable[str]) -> list[str]:
        outputs = self.manifest["outputs"]
        return [outputs["logits"], *(each for name in names for each in outputs[KEPT[name]])]

    def _unpack(self, values: Mapping[str, NDArray[np.float32]]) -> Outputs:
        """The outputs of one pass over a single text; None for those that were not asked for."""
        outputs = self.manifest["outputs"]

        def stacked(name: str) -> NDArray[np.float32] | None:
            each = outputs.get(name) or [None]
            return np.concatenate([values[one] for one in each]) if each[0] in values else None  # [layer, …]

        return Outputs(values[outputs["logits"]][0], **{name: stacked(name) for name in KEPT.values()})

    def _timed(self, reading: Reading, started: float, **counts: float) -> Reading:
        reading.timings = {"total": 1000 * (time.perf_counter() - started), **counts}
        return reading
