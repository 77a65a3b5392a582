"""Files of a run: JSON, CSV, NPZ and a page of its coloured text; and saved runs opened again, without their model."""

from pyscripts.saved.run_file import open_run

__all__ = ["open_run"]
