#!/usr/bin/env bash
# What takes too long for every change. Each step's output goes to build/nightly/STEP.log; one line a step is printed, and a failed
# step does not stop the others.
#
#   tools/nightly.sh                 all steps
#   tools/nightly.sh STEP…           these
#   tools/nightly.sh --list
#
# In the environment: NIGHTLY_SEEDS (20000), NIGHTLY_FIRST_SEED (10000001), NIGHTLY_KILL_ROUNDS (500), NIGHTLY_FUZZ_SECONDS (60).
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
jobs=$(nproc)
logs=build/nightly
steps=(clang tsan fuzz seeds enumerate_lww enumerate_counter kills coverage tidy slow_tests)

build() {  # PRESET TARGET…
    local preset=$1
    shift
    cmake --preset "$preset" && ninja -C "build/$preset" -j "$jobs" "$@"
}

clang() {
    build clang all && ctest --test-dir build/clang -j "$jobs" --output-on-failure --no-tests=error -LE nightly
}

# Units and the client's threads. The simulation has one thread, and is left out.
tsan() {
    build tsan sanitized_tests && ctest --test-dir build/tsan -j "$jobs" --output-on-failure --no-tests=error -L sanitized -E simulation
}

fuzz() {
    build fuzz fuzz_corpus fuzz_wire_decode fuzz_rows_decode || return 1
    local corpus=$logs/corpus
    build/fuzz/fuzz/fuzz_corpus "$corpus" || return 1
    local seconds=${NIGHTLY_FUZZ_SECONDS:-60}
    build/fuzz/fuzz/fuzz_wire_decode "$corpus/wire" -max_total_time="$seconds" -artifact_prefix="$logs/" &&
        build/fuzz/fuzz/fuzz_rows_decode "$corpus/rows" -max_total_time="$seconds" -artifact_prefix="$logs/"
}

seeds() {
    build dev tombolo-sim && build/dev/tombolo-sim --seeds "${NIGHTLY_SEEDS:-20000}" --first-seed "${NIGHTLY_FIRST_SEED:-10000001}"
}

enumerate() {
    build dev tombolo-enumerate && build/dev/tombolo-enumerate --scope 3x1x2x1 --policy "$1"
}
enumerate_lww() { enumerate lww; }
enumerate_counter() { enumerate counter; }

kills() {
    build dev tombolo &&
        TOMBOLO_PROGRAM=$PWD/build/dev/tombolo TOMBOLO_KILL_ROUNDS=${NIGHTLY_KILL_ROUNDS:-500} python3 tests/end_to_end/kill_test.py
}

coverage() { tools/merge_coverage.sh; }

tidy() {
    build dev all || return 1
    local tool
    tool=$(command -v run-clang-tidy-14 || command -v run-clang-tidy) || return 1
    # The compile commands are g++'s; clang does not know all of its warnings.
    "$tool" -quiet -extra-arg=-Wno-unknown-warning-option -p build/dev -j "$jobs" "$PWD/(src|sim|tests)/.*\.cc\$"
}

# Whatever carries the label in ctest.
slow_tests() {
    build dev all && ctest --test-dir build/dev -j "$jobs" --output-on-failure --no-tests=ignore -L nightly
}

run_step() {
    local step=$1 start=$SECONDS verdict=ok
    "$step" >"$logs/$step.log" 2>&1 || verdict=FAILED
    printf '%-6s %-18s %5s s   %s\n' "$verdict" "$step" $((SECONDS - start)) "$(grep -v '^ *$' "$logs/$step.log" | tail -n 1 | cut -c1-120)"
    [ $verdict = ok ]
}

if [ "${1:-}" = --list ]; then
    printf '%s\n' "${steps[@]}"
    exit 0
fi
for step in "$@"; do
    if ! printf '%s\n' "${steps[@]}" | grep -qx -- "$step"; then
        echo "there is no step '$step'; the steps are: ${steps[*]}" >&2
        exit 2
    fi
done
[ $# -gt 0 ] && steps=("$@")

mkdir -p "$logs"
failed=()
for step in "${steps[@]}"; do
    run_step "$step" || failed+=("$step")
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "nightly: ${#failed[@]} of ${#steps[@]} steps failed: ${failed[*]} (see $logs)"
    exit 1
fi
echo "nightly: all ${#steps[@]} steps passed"
