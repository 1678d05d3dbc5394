#!/usr/bin/env bash
# Installs what is missing to build (and, with "tests", to test) Tombolo on Debian 12. Does nothing when all is there.
#
# libsystemd-dev is optional: with it, devices hear what NetworkManager says of portals and metered networks.
set -euo pipefail
packages=(g++ cmake ninja-build pkg-config libsqlite3-dev libboost1.81-dev libssl-dev libzstd-dev libfmt-dev libtomlplusplus-dev libcli11-dev)
if [ "${1:-}" = tests ] || [ "${1:-}" = all ]; then
    packages+=(ccache libgtest-dev librapidcheck-dev python3 clang-format-14 sqlite3 iproute2 nftables libsystemd-dev dbus-daemon)
fi
if [ "${1:-}" = all ]; then
    packages+=(clang-14 libclang-rt-14-dev lld-14 libbenchmark-dev strace)
fi
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
echo "installing: ${missing[*]}" >&2
as_root=""
[ "$(id -u)" -eq 0 ] || as_root=sudo
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq >&2
$as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
