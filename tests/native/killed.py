"""tokenlight, but it kills itself at its n-th sync or rename: python killed.py <n> <arguments>. n = 0: never."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyscripts.native import blocks
from pyscripts.native.__main__ import main

blocks.BLOCK_DOCUMENTS = 8
left = int(sys.argv[1])


def deadly(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, before which the process may be killed."""

    def before(*arguments: Any) -> Any:
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments)

    return before


os.fsync = deadly(os.fsync)
Path.replace = deadly(Path.replace)  # type: ignore[method-assign]
sys.exit(main(sys.argv[2:]))
