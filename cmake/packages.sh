#!/usr/bin/env bash
# Installs the Debian packages that Grapnel is built with, naming them first; does nothing when they are there.
# Sourced by demo.sh, test.sh and bench.sh.
grapnel_packages=(
  build-essential cmake ninja-build ccache pkg-config
  libtorch-dev libopenblas0-pthread libgloo-dev
  libboost-dev libboost-filesystem-dev libtomlplusplus-dev libspdlog-dev libcli11-dev
  libsimdjson-dev libdlpack-dev zlib1g-dev libjpeg62-turbo-dev
  libopencv-core-dev libopencv-imgproc-dev libopencv-imgcodecs-dev
  python3-dev
  dataset-fashion-mnist
)
# What the tests need beside: other compilers and languages, and independent judges of what Grapnel writes.
grapnel_test_packages=(
  libgtest-dev libgmock-dev
  clang libc++-14-dev libc++abi-14-dev rustc
  abigail-tools
  python3-numpy python3-jsonschema python3-torch
  dpkg-dev file
)

# install_packages PACKAGE...
install_packages() {
  local missing=() package
  for package in "$@"; do
    # A toolchain of one's own does as well.
    [ "$package" = rustc ] && command -v rustc >/dev/null && continue
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if ! command -v apt-get >/dev/null; then
    echo "packages.sh: apt-get is not here; install by other means: ${missing[*]}" >&2
    return 1
  fi
  local as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  echo "Installing Debian packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# configure_and_build [cmake option...]: into build/; a second run rebuilds only what changed.
configure_and_build() {
  cmake -S . -B build -G Ninja "$@" > build.configure.log 2>&1 || { cat build.configure.log >&2; rm -f build.configure.log; return 1; }
  rm -f build.configure.log
  cmake --build build
}
