"""The page's models without a browser: load, read, generate, score; needs onnxruntime and tokenizers.

    model = load("site/models/smollm2")
    run = model.read("The capital of France is Paris.")
    run.logprob        # [token] nats
    run.to_json()      # the page's Run
"""

from pyscripts.native.model import Model, load
from pyscripts.result import Run

__all__ = ["Model", "Run", "load"]
