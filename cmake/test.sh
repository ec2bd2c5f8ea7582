#!/usr/bin/env bash
# Installs what is needed, builds everything and runs every test. Arguments go to ctest (-L unit, -R Loader ...).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source cmake/packages.sh
install_packages "${grapnel_packages[@]}" "${grapnel_test_packages[@]}"
configure_and_build -DGRAPNEL_BUILD_TESTS=ON
exec ctest --test-dir build --output-on-failure --no-tests=error -j 2 "$@"
