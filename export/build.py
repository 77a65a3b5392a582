"""Export causal language models to the files the page loads: `python export/build.py MODEL…` (see arguments.py)."""

import argparse
import contextlib
import errno
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read when torch is imported: idle threads do not spin
ROOT = Path(__file__).resolve().parent.parent
if __package__ in (None, ""):  # run as a script: import from the repository, not from this folder
    sys.path[0] = str(ROOT)

from export import arguments, library  # noqa: E402
from export.architectures.families import Refusal  # noqa: E402
from export.catalogue import CATALOGUE  # noqa: E402
from export.report import catalogue_table, console, step, table  # noqa: E402

UNUSABLE = {  # how the system says that nothing can be written into a folder, or read from it
    getattr(errno, name)
    for name in ("EACCES", "EPERM", "EROFS", "ENOENT", "ENOTDIR", "EEXIST", "EISDIR", "ENAMETOOLONG", "ELOOP")
}
FILES = ("model.onnx", "page.onnx", "weights.bin", "tokenizer.json", "tokenizer_config.json")


def default_models(options: argparse.Namespace) -> list[str]:
    """gpt2 if the hub or its cache has it, else smollm2, which comes as a Python package."""
    from export import hub

    gpt2 = CATALOGUE["gpt2"]
    assert gpt2.hub is not None
    if already_built(options.out, "gpt2", options.weights) or (not options.offline and hub.reachable()):
        return ["gpt2"]
    try:
        hub.cached(gpt2.hub, gpt2.revision)
    except Refusal:
        console.print("The model hub cannot be reached. Building smollm2 (a Python package) instead of gpt2.")
        return ["smollm2"]
    return ["gpt2"]


def already_built(out: Path, name: str, weights_format: str) -> bool:
    """Whether a catalogue model is completely built under `out`, from the pinned source, in this format."""
    known, found = CATALOGUE.get(name), library.complete(out / name)
    if known is None or found is None:
        return False
    source = known.package.requirement if known.package else known.hub
    return (found["source"], found["revision"], found["weights"]) == (source, known.revision, weights_format)


def facts_of(source: Any, model: Any, weights_format: str) -> dict[str, Any]:
    """The model's facts for the manifest."""
    from export.architectures import linear_parts
    from export.architectures.families import FAMILIES
    from export.check import windows
    from export.graph import capture

    config = model.config
    eos = getattr(model.generation_config, "eos_token_id", None)
    eos = config.eos_token_id if eos is None else eos
    ends = eos if isinstance(eos, list) else [eos]
    return {
        "id": source.id,
        "name": source.name,
        "source": source.origin,
        "revision": source.revision,
        "place": source.place,
        "license": source.license,
        "architecture": config.model_type,
        "parameters": sum(p.numel() for p in model.parameters()),
        "weights": weights_format,
        **capture.dimensions(config),
        "eos": [id for id in ends if id is not None and 0 <= id < config.vocab_size],  # class defaults can lie outside
        "windows": windows.of_config(config),
        **linear_parts.facts(model, FAMILIES[config.model_type]),
    }


def fixed_prefix(origin: str) -> str | None:
    """The prefix token that the catalogue sets for a checkpoint from `origin`, if any."""
    sources = {known.package.requirement if known.package else known.hub: known for known in CATALOGUE.values()}
    return sources[origin].prefix if origin in sources else None


def build(source: Any, weights_format: str, out: Path) -> dict[str, Any]:
    """Build one model in a temporary folder under `out`, then move it into place; returns the manifest."""
    from export import examples, manifest, preflight
    from export.check import (
        copies,
        fidelity,
        head_outputs,
        head_scores,
        prefix,
        reference,
        verify,
        verify_attribution,
        windows,
    )
    from export.graph import capture, clean_up, page_graph
    from export.tokenizer import tokenizer_check
    from export.weights import checkpoint, shards, storage

    with library.workplace(out) as work:
        staged, fp32, small, raw = (work / name for name in ("model", "fp32", "small", "raw"))
        for directory in (staged, fp32, small, raw):
            directory.mkdir()
        with step("load the checkpoint"):
            model = checkpoint.load_model(source)
            tokenizer = checkpoint.write_tokenizer(source, small)
            facts = facts_of(source, model, weights_format)
            preflight.check_context(source.name, facts["context_length"])
            preflight.check_vocabulary(source.name, tokenizer, facts["vocab_size"])
        with step("check the page's tokenizer"):
            tokenizer_check.write(tokenizer, small, facts["vocab_size"])
        with step("choose the prefix token"):
            facts["prefix"] = prefix.choose(model, tokenizer, fixed_prefix(source.origin))
        with step("export the graph"):
            capture.export_graph(model, raw / "model.onnx")
        with step("clean the graph"):
            parameters = ((name, p.detach().numpy()) for name, p in model.named_parameters())
            cleaned = clean_up.load(raw / "model.onnx", parameters)
            shutil.rmtree(raw)
        with step("check every output against PyTorch"):
            storage.store(cleaned, "fp32", fp32)
            worst = verify.check(model, fp32 / "model.onnx")
            whole = verify.session(fp32 / "model.onnx")
            worst = max(worst, verify_attribution.check(model, whole))
            facts["copies"] = copies.possible(model, whole)
            facts["head_outputs"] = head_outputs.exact(model, whole)
            del whole
            shutil.rmtree(fp32)
        with step(f"store the weights as {weights_format}"):
            storage.store(cleaned, weights_format, small)
            facts |= page_graph.write(small / "model.onnx", small / "page.onnx")
            del cleaned
        with step("measure the fidelity"):
            stored = verify.session(small / "model.onnx")
            start = facts["prefix"]["id"] if facts["prefix"] else None
            measured = fidelity.measure(model, stored, tokenizer, start)
            fidelity.enforce(measured, weights_format)
            facts["fidelity"] = measured | {"graph_difference": worst}
            facts["reference"] = reference.measure(model, stored, tokenizer, start)
            facts["memory"] = manifest.memory(facts, small / "model.onnx")
        with step("measure the attention windows and heads"):
            windows.check(model, stored, facts["windows"])
            facts["head_scores"] = head_scores.measure(model, stored, tokenizer, start, facts["windows"])
        with step("cut into chunks"):
            files = [shards.split(small / name, staged) for name in FILES]
            result = manifest.build(facts, files)
        with step("compute the examples"):
            library.write_json(staged / "manifest.json", result)
            del model, stored  # the examples are read with the finished model, which needs the memory
            result["examples"] = examples.write(staged)
            library.write_json(staged / "manifest.json", result)
        library.add(out, staged, result, work)
    return result


def summary(result: dict[str, Any], seconds: float) -> None:
    """The final table."""
    from export.check import fidelity, head_scores, prefix

    size = sum(file["bytes"] for file in result["files"])
    chunks = sum(len(file["chunks"]) for file in result["files"])
    memory = result["memory"]
    table(
        f"{result['name']} as {result['weights']}, built in {seconds:.0f} s",
        [
            ("files", f"{chunks} chunks, {size / 1e6:.1f} MB"),
            ("bytes per parameter", f"{size / result['parameters']:.3f}"),
            *fidelity.rows(result["fidelity"]),
            *prefix.rows(result["prefix"]),
            *head_scores.rows(result["head_scores"]),
            ("memory: weights", f"{memory['weights'] / 1e6:.0f} MB"),
            ("memory: 256 tokens", f"{memory['tokens_256'] / 1e6:.0f} MB more"),
        ],
    )


def make(name: str, options: argparse.Namespace) -> None:
    """Find and build one of the requested models."""
    if not options.force and options.name is None and already_built(options.out, name, options.weights):
        library.enlist(options.out, name)
        where = f"{name} is already built as {options.weights} in {options.out / name}"
        console.print(f"{where} (rebuild it with --force)", markup=False)
        return
    start = time.perf_counter()
    console.print(name, style="bold", markup=False)
    from export import preflight, sources

    with step("find the checkpoint"):
        source = sources.find(name, options.revision, options.offline)
        sources.identify(source, options.name, options.out, options.force)
    preflight.tell(source.name, preflight.parameters(source.directory, source.gguf))
    summary(build(source, options.weights, options.out), time.perf_counter() - start)


def run(options: argparse.Namespace) -> dict[str, str]:
    """Build the requested models one after another; returns those that failed, with the reason."""
    from export import sources

    if options.name is not None:
        sources.check_name(options.name, "--name")
    library.read(options.out)  # a damaged list is found before the work
    failed: dict[str, str] = {}
    names = options.models or default_models(options)
    for name in names:
        try:
            sources.check_argument(name)
            make(name, options)
        except Exception as error:
            if was_stopped(error):
                raise
            if options.debug:
                traceback.print_exc()
            failed[name] = in_one_line(error, options.out)
            if len(names) > 1:
                console.print(f"  {name} was not built: {failed[name]}", markup=False)
    return failed


def main(argv: list[str] | None = None) -> int:
    """Returns 0, 2 with one line on stderr for each model that cannot be built, or 130 after Ctrl-C."""
    options = arguments.parse(argv)
    try:
        with stoppable():
            if options.list:
                catalogue_table(CATALOGUE.values())
                return 0
            if options.remove is not None:
                library.remove(options.out, options.remove)
                console.print(f"{options.remove} was removed from {options.out}", markup=False)
                return 0
            failed = run(options)
    except (KeyboardInterrupt, Exception) as error:
        if was_stopped(error):
            print("stopped; earlier builds are unchanged", file=sys.stderr)
            return 130
        if options.debug:
            traceback.print_exc()
        failed = {"": in_one_line(error, options.out)}
    for name, sentence in failed.items():
        which = f"{name}: " if len(options.models) > 1 and name else ""
        print(f"error: {which}{sentence}", file=sys.stderr)
    return 2 if failed else 0


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Meanwhile the signals that end a process, of `kill` and of a closed terminal, do what Ctrl-C does; one that is
    ignored, as after nohup, stays so."""

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    endings = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    own = threading.current_thread() is threading.main_thread()  # others may not
    before = {each: signal.signal(each, stop) for each in endings if own and signal.getsignal(each) == signal.SIG_DFL}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def was_stopped(error: BaseException | None) -> bool:
    """Whether Ctrl-C is the error or behind it: a library that it stops while it is imported raises ImportError."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def in_one_line(error: BaseException, out: Path) -> str:
    """The error as one line for the user."""
    if isinstance(error, Refusal):
        return " ".join(str(error).split())
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"the disk is full ({out}); earlier builds are unchanged"
    if isinstance(error, OSError) and error.errno in UNUSABLE and isinstance(error.filename, str):
        place, folder = Path(error.filename).absolute(), out.absolute()
        if place.is_relative_to(folder) or folder.is_relative_to(place):  # its own files in there say nothing to a user
            return f"{out} cannot be used ({error.strerror}); choose another folder with --out"
        return f"{error.filename} cannot be used ({error.strerror})"
    if isinstance(error, MemoryError):
        return "this machine ran out of memory; earlier builds are unchanged"
    reason = " ".join(str(error).split())[:200]
    return f"the build failed ({type(error).__name__}: {reason}); earlier builds are unchanged, see --debug"


if __name__ == "__main__":
    sys.exit(main())
