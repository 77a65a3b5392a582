"""The command tokenlight; also python -m pyscripts."""

import sys


def main() -> int:
    """Runs the command line, or says what is not installed."""
    try:
        from pyscripts.native.__main__ import main as command
    except ModuleNotFoundError as error:
        if error.name not in ("onnxruntime", "tokenizers"):
            raise
        print(f"error: {error.name} is not installed: pip install 'tokenlight[native]'.", file=sys.stderr)
        return 2
    return command()


if __name__ == "__main__":
    sys.exit(main())
