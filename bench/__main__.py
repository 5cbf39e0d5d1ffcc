"""`make bench`: measure everything and write results.json beside this file."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from bench.sending import end_to_end

RESULTS = Path(__file__).parent / "results.json"


def main() -> None:
    """Run every measurement and print what it found."""
    results = [end_to_end()]
    RESULTS.write_text(json.dumps([asdict(result) for result in results], indent=2) + "\n")
    for result in results:
        ratio = f"ratio {result.ratio:.2f} to {result.reference:,.0f}"
        sys.stdout.write(
            f"{result.name}: {result.value:,.0f} {result.unit}, {ratio} ({result.rounds} rounds)\n"
        )


if __name__ == "__main__":
    main()
