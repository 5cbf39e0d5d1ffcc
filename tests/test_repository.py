"""What is true of the repository as a whole: how it is built, what it may depend on, what is documented."""

import ast
import json
import re
from importlib import metadata
from pathlib import Path

import pytest

from nurture.config import Settings, settings_example, settings_table
from nurture.config.reference import documentation

ROOT = Path(__file__).parent.parent
LOCKS = sorted(ROOT.glob("requirements*.txt"))
SOURCES = sorted((ROOT / "nurture").rglob("*.py"))

ADDRESS = re.compile(
    r"\w+://|\bfile:|(?<![\w@])/(?:opt|home|root|tmp|work|usr|var)/|--(?:index-url|find-links)|git\+"
)
PIN = re.compile(r"^([a-z0-9][a-z0-9.-]*)==\S+", re.MULTILINE)


def pins(lock: Path) -> set[str]:
    return set(PIN.findall(lock.read_text()))


@pytest.mark.parametrize("lock", [*LOCKS, ROOT / "package-lock.json"], ids=lambda path: path.name)
def test_no_lock_file_names_an_address_or_a_local_path(lock: Path) -> None:
    assert ADDRESS.findall(lock.read_text()) == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_python_requirement_is_pinned_and_hashed(lock: Path) -> None:
    text = "\n".join(line for line in lock.read_text().splitlines() if not line.lstrip().startswith("#"))
    requirements = text.replace("\\\n", " ").splitlines()
    assert requirements
    for requirement in requirements:
        assert PIN.match(requirement), requirement
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", requirement), requirement


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_requirement_that_is_asked_for_is_locked(lock: Path) -> None:
    lines = lock.with_suffix(".in").read_text().splitlines()
    asked_for = {re.split(r"[<>=\[;! ]", line)[0].lower() for line in lines if line and line[0] not in "#-"}
    assert asked_for <= pins(lock)


def test_locks_agree_on_what_they_share() -> None:
    versions: dict[str, set[str]] = {}
    for lock in LOCKS:
        for name, version in re.findall(r"^([a-z0-9.-]+)==(\S+)(?: \\)?$", lock.read_text(), re.MULTILINE):
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_every_front_end_package_is_pinned_with_its_integrity() -> None:
    wanted = json.loads((ROOT / "package.json").read_text())
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    for name, version in {**wanted["dependencies"], **wanted["devDependencies"]}.items():
        assert packages[f"node_modules/{name}"]["version"] == version
    assert all(entry["integrity"].startswith("sha512-") for path, entry in packages.items() if path)


def test_no_dependency_is_under_the_gpl() -> None:
    licences = {name: licence_of(name) for name in sorted(pins(ROOT / "requirements.txt")) if installed(name)}
    assert licences
    assert {
        name: words for name, words in licences.items() if re.search(r"(?<!L)(?<!Lesser )GPL", words)
    } == {}


def installed(name: str) -> bool:
    """A universal lock also names what other systems and versions need."""
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def licence_of(name: str) -> str:
    described = metadata.metadata(name)
    classifiers = [line for line in described.get_all("Classifier", []) if line.startswith("License")]
    return " ".join([*described.get_all("License-Expression", []), *classifiers])


def test_the_licence_is_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_check_of_a_submission_is_make_test_and_nothing_else() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert lines[0].startswith("#!")
    assert lines[1:] == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "exec make test"]
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_nothing_unpickles() -> None:
    forbidden = {"pickle", "cPickle", "dill", "shelve", "marshal", "cloudpickle", "joblib"}
    assert SOURCES
    for source in SOURCES:
        assert imported_modules(source) & forbidden == set(), source


def test_the_domain_imports_only_itself_pydantic_and_the_plain_standard_library() -> None:
    plain = {
        "__future__", "abc", "bisect", "calendar", "collections", "copy", "dataclasses", "datetime",
        "decimal", "difflib", "enum", "fractions", "functools", "hashlib", "heapq", "html", "ipaddress",
        "itertools", "json", "math", "operator", "re", "statistics", "string", "struct", "textwrap",
        "types", "typing", "unicodedata", "zoneinfo",
    }  # fmt: skip
    for source in (ROOT / "nurture" / "domain").rglob("*.py"):
        assert imported_modules(source) - plain - {"nurture", "pydantic", "pydantic_core"} == set(), source


def imported_modules(source: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found


def test_every_setting_is_documented() -> None:
    assert set(documentation()) == set(Settings.model_fields) - {"warnings"}


def test_the_settings_reference_is_current() -> None:
    renew = "run `python -m nurture.config`"
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == settings_table(), renew
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == settings_example(), renew


def test_every_variable_that_is_mentioned_is_a_setting() -> None:
    known = set(re.findall(r"`(NURTURE_[A-Z_]+)`", settings_table()))
    documents = [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "nurture").rglob("*.html"),
        *SOURCES,
    ]
    for document in documents:
        mentioned = set(re.findall(r"\bNURTURE_[A-Z]+(?:_[A-Z]+)*\b", document.read_text(encoding="utf-8")))
        assert mentioned <= known, document


def test_modules_stay_short() -> None:
    # A migration is written once, by a program, and is as long as the step that it takes.
    written = [path for path in SOURCES if path.parent.name != "versions"]
    long = {str(path.relative_to(ROOT)): count for path in written if (count := line_count(path)) > 350}
    assert long == {}


def line_count(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())
