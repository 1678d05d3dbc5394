#!/usr/bin/env python3
"""Fails on an #include that goes against the module directions (docs/internals/architecture.md), or on a cycle in them."""
import pathlib
import re
import sys

# module -> modules it may include, besides itself, include/tombolo and libraries
ALLOWED = {
    "base": set(),
    "world": {"base"},
    "model": {"base"},
    "merge": {"base", "model"},
    "wire": {"base", "model"},
    "crypto": {"base"},
    "sqlite": {"base", "model", "crypto"},
    "device": {"base", "world", "model", "merge", "wire", "sqlite"},
    "store": {"base", "world", "model", "sqlite"},
    "hub": {"base", "world", "model", "merge", "wire", "sqlite", "store"},
    "network": {"base", "world"},
    "watch": {"base", "model", "sqlite", "device"},
    "client": {"base", "world", "model", "wire", "crypto", "sqlite", "device", "network", "watch"},
    "server": {"base", "world", "model", "wire", "hub", "store", "network"},
    "cli": {"base", "world", "model", "merge", "wire", "crypto", "sqlite", "device", "client", "server", "network", "hub"},
}
# hub knows the store's interface only; network, client and server are the only places with sockets and threads
HUB_STORE_HEADERS = {"store/store.h", "store/spool.h"}
THREAD_HEADERS = {"thread", "mutex", "condition_variable", "future"}
THREADED = {"network", "watch", "client", "server", "cli"}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def check(root: pathlib.Path) -> list[str]:
    mistakes = []
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in {".cc", ".h"}:
            continue
        module = path.relative_to(root / "src").parts[0]
        test = path.stem.endswith("_test")
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            quote, name = found.groups()
            where = f"{path.relative_to(root)}:{number}"
            if quote == "<":
                if name in THREAD_HEADERS and module not in THREADED and not test:
                    mistakes.append(f"{where}: <{name}> in {module}: threads live at the edges")
                continue
            target = name.split("/")[0]
            if target == "tombolo" or target == module or "/" not in name:
                continue
            if target not in ALLOWED:
                if not test:
                    mistakes.append(f"{where}: {name} is in no module")
            elif target not in ALLOWED[module] and not test:
                mistakes.append(f"{where}: {module} may not include {target}")
            elif module == "hub" and target == "store" and name not in HUB_STORE_HEADERS and not test:
                mistakes.append(f"{where}: the hub may not include a concrete store")
    for path in sorted((root / "include").rglob("*.h")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = INCLUDE.match(line)
            if found and found.group(1) == '"' and not found.group(2).startswith("tombolo/"):
                mistakes.append(f"{path.relative_to(root)}:{number}: a public header may include public headers only")
    return mistakes


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent.parent
    mistakes = check(root)
    for mistake in mistakes:
        print(mistake)
    print(f"layers: {len(mistakes)} wrong includes")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
