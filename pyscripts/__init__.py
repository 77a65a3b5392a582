"""Tokenlight in Python: every number, sentence and colour of the page, in numpy; CPython and Pyodide alike.

text → tokens → model outputs → Trace → Reading → metrics, views and the Run:

    from pyscripts import load                        # needs tokenlight[native]: onnxruntime and tokenizers

    model = load("site/models/smollm2", threads=2)
    run = model.read("The capital of France is Paris.")
    run.logprob, run.rank, run.entropy                # [token], nats
    run.attentions, run.resid                         # [layer, head, query, key], [layer+1, position, hidden]
    run.metric("word_surprisal_corrected")            # [word] nats; any of pyscripts.metrics.METRICS
    run.to_json()                                     # what Save → JSON writes
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyscripts.native import Model, Run, load

VERSION = "0.1.0"  # of the page, too; every saved file names it

__all__ = ["VERSION", "Model", "Run", "load"]


def __getattr__(name: str) -> Any:
    """Imports pyscripts.native when a name of it is first used, since the page has no onnxruntime for Python.

    ImportError: one of its packages is not installed.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from pyscripts import native
    except ModuleNotFoundError as error:
        raise ImportError(f"{name} needs {error.name}: pip install 'tokenlight[native]'.") from error
    return getattr(native, name)
