"""``python -m tinygrad_edu``: the command line, where the console script is not on the path."""

import sys

from tinygrad_edu.cli import main

if __name__ == "__main__":
    sys.exit(main())
