"""Say what a mutation run found; fail when a mutant escaped that docs/mutation-tests.md does not explain."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

MUTMUT = Path(sys.executable).with_name("mutmut")
EXPLANATIONS = Path(__file__).parent.parent / "docs" / "mutation-tests.md"
EXPLAINED = re.compile(r"^- `([\w.]+)`: `(.+)`$", re.MULTILINE)
FOUND = ("killed", "timeout")
"""A mutant that makes a test fail, or run for ever, was found; whatever else became of it, it escaped."""


def main() -> int:
    """Print a table and the mutants that nobody has explained; return the exit code."""
    outcomes = _outcomes()
    if not outcomes:
        print("There is nothing to look at: run `make mutants`.")
        return 1
    _print_table(outcomes)
    explained = set(EXPLAINED.findall(EXPLANATIONS.read_text(encoding="utf-8")))
    escaped = {name: _mutation(name) for name, outcome in outcomes.items() if outcome not in FOUND}
    for function, line in sorted(explained - set(escaped.values())):
        print(f"Explained, though it was found this time: {function}: {line}")
    unexplained = [name for name, mutation in escaped.items() if mutation not in explained]
    for name in unexplained:
        function, line = escaped[name]
        print(f"Escaped, see `mutmut show {name}`: {function}: {line}")
    if unexplained:
        print(f"{len(unexplained)} escaped: test what they change, or explain them in {EXPLANATIONS.name}.")
    return 1 if unexplained else 0


def _outcomes() -> dict[str, str]:
    """What became of every mutant, by its name."""
    lines = _mutmut("results", "--all", "true").splitlines()
    return dict(line.strip().split(": ") for line in lines)


def _print_table(outcomes: dict[str, str]) -> None:
    counts = Counter((_place(name)[0], outcome) for name, outcome in outcomes.items())
    modules = sorted({module for module, _ in counts})
    print(f"{'module':20}{'mutants':>9}{'killed':>9}{'timed out':>11}{'escaped':>9}")
    for module in [*modules, "total"]:
        of_module = Counter[str]()
        for (where, outcome), count in counts.items():
            if module in (where, "total"):
                of_module[outcome] += count
        total, (killed, timed_out) = of_module.total(), (of_module[outcome] for outcome in FOUND)
        print(f"{module:20}{total:9}{killed:9}{timed_out:11}{total - killed - timed_out:9}")


def _mutation(name: str) -> tuple[str, str]:
    """The function that a mutant is of, and the line that it has instead of the right one."""
    diff = _mutmut("show", name).splitlines()
    added = [line[1:].strip() for line in diff if line.startswith("+") and not line.startswith("+++")]
    return ".".join(_place(name)), " ".join(added)


def _place(name: str) -> tuple[str, str]:
    """Module and function: `nurture.domain.timing.zones.x__on__mutmut_1` is `_on` in `timing.zones`."""
    module, _, function = name.rpartition("__mutmut_")[0].rpartition(".")
    # Functions are called x_function, methods xǁClassǁmethod.
    return module.removeprefix("nurture.domain."), function[2:].replace("ǁ", ".")


def _mutmut(*arguments: str) -> str:
    return subprocess.run([MUTMUT, *arguments], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
