"""What panels request beyond the streamed columns, by name.

Each function takes the current run as a Context, then the view's own arguments. It returns plain JSON, or a dict whose
numpy arrays go to the page as flat typed arrays beside the JSON (see `split`).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Each module registers its views.
from pyscripts.page.views import (  # noqa: F401
    ablations,
    attention_classes,
    change,
    choosing,
    comparison,
    focus,
    head_grid,
    induction,
    layers,
    lens,
    looks,
    needs,
    one_head,
    patch,
    tables,
    whole_text,
    why,
)
from pyscripts.page.views.context import Context, Inspected
from pyscripts.page.views.registry import OF_LIKELIHOODS, VIEWS
from pyscripts.page.views.variants import streams


def split(result: Any) -> tuple[Any, dict[str, NDArray]]:
    """A view's result as (JSON, arrays): the arrays of a dict by name, C-contiguous, and the rest."""
    if not isinstance(result, dict):
        return result, {}
    arrays = {name: np.ascontiguousarray(value) for name, value in result.items() if isinstance(value, np.ndarray)}
    return {name: value for name, value in result.items() if name not in arrays}, arrays


__all__ = ["OF_LIKELIHOODS", "VIEWS", "Context", "Inspected", "split", "streams"]
