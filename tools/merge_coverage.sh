#!/usr/bin/env bash
# Coverage of src/merge by its own tests, from clang's source-based counters. Prints the branches that went one way only; exit 1 below the
# least that is accepted. Some minutes; builds merge_test and nothing else.
#
#   tools/merge_coverage.sh [LEAST]        per cent of the branches' outcomes; 100 unless said otherwise
set -euo pipefail
cd "$(dirname "$0")/.."
least=${1:-100}
folder=build/coverage
version=-14
command -v "llvm-cov$version" >/dev/null || version=""

cmake --preset coverage >/dev/null
ninja -C $folder merge_test >$folder/merge.log || { cat $folder/merge.log; exit 1; }

rm -f $folder/merge.profraw
LLVM_PROFILE_FILE="$PWD/$folder/merge.profraw" $folder/merge_test >$folder/merge.log 2>&1 || { cat $folder/merge.log; exit 1; }
"llvm-profdata$version" merge -sparse $folder/merge.profraw -o $folder/merge.profdata
"llvm-cov$version" export $folder/merge_test -instr-profile=$folder/merge.profdata >$folder/merge.json

python3 - $folder/merge.json "$least" <<'PYTHON'
import json
import os
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    data = json.load(file)["data"][0]
outcomes = taken = 0
for source in data["files"]:
    name = os.path.relpath(source["filename"])
    if not name.startswith("src/merge/") or "_test." in name:
        continue
    # The same place may be compiled several times (templates, headers, several programs): an outcome is taken if any of them saw it.
    branches = {}
    for line, column, _, _, yes, no, *_ in source["branches"]:
        before = branches.get((line, column), (0, 0))
        branches[line, column] = (before[0] + yes, before[1] + no)
    for (line, column), (yes, no) in sorted(branches.items()):
        if yes == 0 or no == 0:
            print(f"{name}:{line}:{column}: never {'true' if yes == 0 else 'false'}")
        outcomes += 2
        taken += (yes > 0) + (no > 0)
share = 100 * taken / outcomes
print(f"src/merge: {taken} of {outcomes} outcomes of its branches were taken, {share:.1f} %")
sys.exit(0 if share >= float(sys.argv[2]) else 1)
PYTHON
