"""The tests themselves: README.md finds each, and none stands on another."""

import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
README = (HERE / "README.md").read_text(encoding="utf-8")
TESTS = {path.stem: path.read_text(encoding="utf-8") for path in HERE.rglob("test_*.py")}


def test_every_test_that_is_named_is_where_it_is_said_to_be():
    """`test_data::test_grades`, and behind it `test_digits` of the same file."""
    file, named = None, []
    for other, name in re.findall(r"`(?:(test_\w+)::)?(test_\w+)`", README):
        file = other or file
        if other or name not in TESTS:
            named.append((file, name))
    assert len(named) > 30
    assert [pair for pair in named if f"def {pair[1]}(" not in TESTS.get(pair[0], "")] == []


def test_every_file_of_tests_is_described():
    table = re.search(r"(?s)\| file \|.*?\n\n", README)[0]
    assert set(re.findall(r"`(test_\w+)`", table)) == set(TESTS)


def test_no_test_module_imports_another():
    """What two of them need stands in a module of its own."""
    imports = re.compile(r"(?m)^\s*(?:from|import) +(?:tests\.)?test_\w+")
    assert [(name, found) for name, code in TESTS.items() for found in imports.findall(code)] == []
