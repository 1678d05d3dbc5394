#!/usr/bin/env bash
# Every C++ file is as clang-format leaves it.
set -euo pipefail
cd "$(dirname "$0")/.."
files=$(git ls-files '*.cc' '*.h' '*.c')
formatter=$(command -v clang-format-14 || command -v clang-format)
# shellcheck disable=SC2086
"$formatter" --dry-run --Werror $files
echo "formatting: $(echo "$files" | wc -l) files clean"
