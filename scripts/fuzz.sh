#!/usr/bin/env bash
# Runs each fuzzer for so many seconds (60), two at once, from the seeds and what former runs found: fuzz.sh [SECONDS] [TARGET …]
#
# Afterwards what reaches code that the seeds do not is added to fuzz/seeds. Ends with 1 where an input broke a law.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(token customer_token webhook adf wiki wiki_parser)
command -v cargo-fuzz >/dev/null || { echo "cargo-fuzz is missing: cargo install --locked cargo-fuzz" >&2; exit 1; }
command -v c++ >/dev/null || { echo "a C++ compiler is missing (Debian: apt install g++)" >&2; exit 1; }

made=$PWD/target/fuzz
# Without a sanitizer, which only nightly Rust has: there is no unsafe code here for it to watch.
fuzz() { cargo fuzz "$1" --fuzz-dir fuzz --target-dir "$made" --sanitizer none "${@:2}"; }

# cargo fuzz does not take --locked, and would change the lock without a word.
cargo metadata --locked --format-version 1 --manifest-path fuzz/Cargo.toml >/dev/null
fuzz build

run() {
  local target=$1 corpus=$made/corpus/$1 artifacts=$made/artifacts/$1/
  mkdir -p "$corpus" "$artifacts"
  fuzz run "$target" "$corpus" "fuzz/seeds/$target" -- -max_total_time="$seconds" -max_len=4096 -timeout=5 -rss_limit_mb=2048 \
    -artifact_prefix="$artifacts" -print_final_stats=1 >"$made/$target.log" 2>&1 || { echo "$target: see $made/$target.log"; return 1; }
  # Only what reaches a line that nothing in fuzz/seeds does is added: how often it is reached does not count.
  fuzz run "$target" "fuzz/seeds/$target" "$corpus" -- -set_cover_merge=1 -use_counters=0 -max_len=1024 >>"$made/$target.log" 2>&1
  echo "$target: $(sed -nE 's/^stat::number_of_executed_units: *//p' "$made/$target.log" | head -n 1) inputs in $seconds s, none broke a law; $(find "fuzz/seeds/$target" -type f | wc -l) seeds"
}

status=0
for ((at = 0; at < ${#targets[@]}; at += 2)); do
  pids=()
  for target in "${targets[@]:at:2}"; do run "$target" & pids+=($!); done
  for pid in "${pids[@]}"; do wait "$pid" || status=1; done
done
exit $status
