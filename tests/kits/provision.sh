#!/bin/sh
# What the integration tests need of a Debian or Ubuntu machine, beyond Python. Root. Idempotent and quiet.
set -eu
PACKAGES="systemd-container debootstrap debian-archive-keyring iproute2 util-linux openssh-client openssh-server"
# Login shells of machines that are reached by ssh, beside those that are always there.
PACKAGES="$PACKAGES csh fish tcsh zsh"
# What pyinfra becomes another user with, and hands it a file.
PACKAGES="$PACKAGES sudo acl"
# Windows-like hosts: Wine, and the compiler of their small programs.
PACKAGES="$PACKAGES wine64 gcc-mingw-w64-x86-64-win32"
# The dashboard, in a real browser.
PACKAGES="$PACKAGES chromium"
# What judges the MCP server comes from npm; some machines have another npm than Debian's, which would not go with it.
command -v npm >/dev/null || PACKAGES="$PACKAGES npm"
# Machines whose clock is wrong: the compiler of a preloaded library.
PACKAGES="$PACKAGES gcc libc6-dev"
# Debian's own python3 comes without what `python3 -m venv` needs.
python3 -c 'import ensurepip' 2>/dev/null || PACKAGES="$PACKAGES python3-venv"

missing=
for package in $PACKAGES; do
  dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
  echo "provision.sh: run as root to install$missing" >&2
  exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of words
if ! { apt-get update && apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
