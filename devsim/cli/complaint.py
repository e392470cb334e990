"""What a user hears of what went wrong."""

import sys


def complain(message: str) -> int:
    """One line on stderr; returns the exit code for what a user can mend."""
    print(f"devsim: {' '.join(message.split())}", file=sys.stderr)
    return 2
