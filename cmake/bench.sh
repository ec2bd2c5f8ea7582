#!/usr/bin/env bash
# Builds Release into build/bench and runs the benchmarks:
#   bench.sh dispatch [REPETITIONS]
#   bench.sh yolox [step | data | epoch | eval | json | growth | all] [OPTION]...
#
#   dispatch   nanoseconds and instructions (callgrind) per dispatch for 0, 1, 8 and 64 subscribed hooks,
#              with and without timing, beside a bare call through a function pointer in the same run
#   yolox      the training step, the data pipeline, an epoch, evaluation, COCO files, and how costs grow, in
#              turns with Megvii's YOLOX, as Markdown tables. --quick: about two minutes for all of it;
#              --variants, --sizes, --rounds and others: `tests/bench/side_by_side.py --help`.
#              GRAPNEL_MEGVII_YOLOX names Megvii's checkout, without which its side is skipped, and
#              GRAPNEL_PYTHON an interpreter with Debian's python3-torch and, from elsewhere, pycocotools
#
# Timings belong to a quiet machine: medians over interleaved repetitions are printed with their spread.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source cmake/packages.sh

usage() { sed -n '2,/^# Timings/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }

# configure_bench [CMAKE OPTION]...
configure_bench() {
  cmake -S . -B build/bench -G Ninja -DCMAKE_BUILD_TYPE=Release "$@" > build.bench.log 2>&1 ||
    { cat build.bench.log >&2; rm -f build.bench.log; return 1; }
  rm -f build.bench.log
}

# instructions KIND HOOKS: per dispatch, from the difference of two runs.
instructions() {
  local few many
  few=$(count "$1" "$2" 1000)
  many=$(count "$1" "$2" 11000)
  echo $(((many - few) / 10000))
}
count() {
  local counted
  counted=$(mktemp)
  valgrind --tool=callgrind --callgrind-out-file=/dev/null --log-file="$counted" \
    build/bench/tests/dispatch_bench --repeat "$1" "$2" "$3"
  sed -n 's/.*Collected : \([0-9]*\)$/\1/p' "$counted"
  rm -f "$counted"
}

bench_dispatch() {
  configure_bench -DGRAPNEL_BUILD_TESTS=ON -DGRAPNEL_BUILD_BENCHMARKS=ON
  cmake --build build/bench --target dispatch_bench grapnel_probe >&2
  export GRAPNEL_PROBE=$PWD/build/bench/bin/grapnel-probe

  local times
  times=$(build/bench/tests/dispatch_bench --benchmark_repetitions="$1" --benchmark_min_time=0.05 \
    --benchmark_enable_random_interleaving=true --benchmark_format=csv 2>/dev/null)
  grep -m1 'model name' /proc/cpuinfo | sed 's/.*: //'
  printf '%d repetitions, one thread; ns: median (least to most)\n\n' "$1"
  printf '%-10s %6s  %-28s %16s %13s\n' dispatch hooks ns 'ns a further one' instructions
  local kind hooks row before=0 before_hooks=0
  for kind in bare untimed timed; do
    for hooks in 0 1 8 64; do
      row=$kind/$hooks
      [ "$kind" = bare ] && { [ "$hooks" = 1 ] || continue; row=bare; }
      # Rows of one repetition each: name,iterations,real_time,cpu_time,unit,...; aggregates carry a suffix.
      read -r median least most < <(awk -F, -v name="\"$row\"" '$1 == name {print $4}' <<< "$times" | sort -g |
        awk '{v[NR] = $1} END {printf "%.2f %.2f %.2f\n", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2, v[1], v[NR]}')
      [ "$hooks" = 0 ] && before=$median before_hooks=0
      printf '%-10s %6s  %-28s %16s %13s\n' "$kind" "$hooks" "$median ($least to $most)" \
        "$([ "$hooks" = 0 ] || [ "$kind" = bare ] || awk -v t="$median" -v z="$before" -v n="$((hooks - before_hooks))" 'BEGIN {printf "%.2f", (t - z) / n}')" \
        "$(instructions "$kind" "$hooks")"
      before=$median before_hooks=$hooks
    done
  done
}

bench_yolox() {
  configure_bench -DGRAPNEL_BUILD_TESTS=ON
  # The hooks as well: `epoch` trains with some of them.
  cmake --build build/bench --target grapnel grapnel_probe plugins/all yolox_step_bench data_bench coco_read_bench >&2
  /usr/bin/python3 tests/bench/side_by_side.py "$@"
}

case "${1:-}" in
  dispatch)
    install_packages "${grapnel_packages[@]}" libgtest-dev libgmock-dev libbenchmark-dev valgrind
    bench_dispatch "${2:-15}"
    ;;
  yolox)
    shift
    case "${1:-all}" in
      step | data | epoch | eval | json | growth | all) ;;
      -*) set -- all "$@" ;;
      *) usage ;;
    esac
    [ $# -gt 0 ] || set -- all
    install_packages "${grapnel_packages[@]}" libgtest-dev libgmock-dev python3 python3-numpy python3-opencv util-linux
    if [ -n "${GRAPNEL_MEGVII_YOLOX:-}" ]; then
      # pybind11-dev: Megvii's own C++ for COCO's metrics is compiled when it is first used.
      install_packages python3-torch python3-torchvision python3-loguru python3-tabulate python3-tqdm python3-psutil pybind11-dev
    fi
    bench_yolox "$@"
    ;;
  *) usage ;;
esac
