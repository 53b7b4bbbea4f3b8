"""``python -m rqe``: the same as the command ``rqe``."""

from .cli import main

if __name__ == "__main__":
    raise SystemExit(main())
