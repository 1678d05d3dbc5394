#!/usr/bin/env python3
"""Fails on documentation that is not true of the tree:

- a relative link in a *.md that leads nowhere, or to a heading that does not exist;
- a fenced block marked with a file of the repository (```cpp examples/quickstart.cc) that is not that file, word for word;
- a module table in docs/internals/architecture.md that differs from what check_layers.py enforces;
- an error code, a command or a bookkeeping table that its page does not have.

--update writes the marked blocks anew from their files.
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import check_layers  # noqa: E402  (stands beside this file)

ROOT = pathlib.Path(__file__).resolve().parent.parent
SKIPPED = {"build", "install", ".git"}
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
MARKED_BLOCK = re.compile(r"^```(\w+) ([\w./-]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANY_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
MODULE_ROW = re.compile(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|$", re.MULTILINE)


def pages() -> list[pathlib.Path]:
    return sorted(path for path in ROOT.rglob("*.md") if path.relative_to(ROOT).parts[0] not in SKIPPED)


def anchors(text: str) -> set[str]:
    """Headings as GitHub names them in links."""
    found = set()
    for line in ANY_BLOCK.sub("", text).splitlines():
        if line.startswith("#"):
            heading = re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower())
            found.add(heading.replace(" ", "-"))
    return found


def check_links(page: pathlib.Path, text: str) -> list[str]:
    mistakes = []
    for target in LINK.findall(ANY_BLOCK.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name) if name else page
        if not path.exists():
            mistakes.append(f"link to {target}, which does not exist")
        elif anchor and path.suffix == ".md" and anchor not in anchors(path.read_text()):
            mistakes.append(f"link to {target}, which has no such heading")
    return mistakes


def source_of(name: str) -> pathlib.Path | None:
    """A block's file; names without a folder are files that the page itself makes."""
    return ROOT / name if "/" in name else None


def check_blocks(text: str) -> list[str]:
    mistakes = []
    for _, name, body in MARKED_BLOCK.findall(text):
        source = source_of(name)
        if source is None:
            continue
        if not source.exists():
            mistakes.append(f"a block is marked {name}, which does not exist")
        elif source.read_text() != body:
            mistakes.append(f"the block marked {name} is not that file: run tools/check_docs.py --update")
    return mistakes


def update_blocks(page: pathlib.Path, text: str) -> None:
    def fresh(block: re.Match) -> str:
        source = source_of(block[2])
        return f"```{block[1]} {block[2]}\n{source.read_text()}```" if source is not None and source.exists() else block[0]

    page.write_text(MARKED_BLOCK.sub(fresh, text))


def check_modules() -> list[str]:
    """The table's second and third column: what a module is, and what it may include."""
    table = (ROOT / "docs/internals/architecture.md").read_text()
    told = {name: set(re.findall(r"`(\w+)`", allowed)) for name, allowed in MODULE_ROW.findall(table)}
    mistakes = []
    for name in sorted(told.keys() | check_layers.ALLOWED.keys()):
        enforced = check_layers.ALLOWED.get(name)
        if told.get(name) != enforced:
            mistakes.append(f"architecture.md: module {name} may include {told.get(name)}, but check_layers.py says {enforced}")
    return mistakes


def check_mentions(page: str, source: str, pattern: str) -> list[str]:
    """Everything that `pattern` finds in a source file stands in backquotes on a page."""
    text = (ROOT / page).read_text()
    names = re.findall(pattern, (ROOT / source).read_text())
    assert names, f"{pattern} finds nothing in {source}"
    return [f"{page} does not tell of `{name}`" for name in names if f"`{name}`" not in text and f"tombolo {name}" not in text]


def check() -> list[str]:
    mistakes = []
    for page in pages():
        text = page.read_text()
        mistakes += [f"{page.relative_to(ROOT)}: {mistake}" for mistake in check_links(page, text) + check_blocks(text)]
    mistakes += check_modules()
    mistakes += check_mentions("docs/reference/errors.md", "src/base/error.cc", r'return "([a-z-]+)";')
    mistakes += check_mentions("docs/internals/device-file.md", "src/device/device_schema.h", r"CREATE TABLE (tombolo_\w+)")
    for command in sorted((ROOT / "src/cli").glob("*.cc")):
        if re.search(r"add_subcommand\(\"[a-z]+\", \"", command.read_text()):
            mistakes += check_mentions("docs/reference/cli.md", str(command.relative_to(ROOT)), r'app\.add_subcommand\("([a-z]+)"')
    return mistakes


def main() -> int:
    if "--update" in sys.argv[1:]:
        for page in pages():
            update_blocks(page, page.read_text())
    mistakes = check()
    for mistake in mistakes:
        print(mistake)
    print(f"docs: {len(pages())} pages, {len(mistakes)} mistakes")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
