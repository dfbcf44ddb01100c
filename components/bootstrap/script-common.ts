/**
 * Head of the bootstrap script: paths, output, retries, downloads.
 *
 * The parts of the script are `String.raw`, so the shell text avoids the dollar-brace form altogether; that also keeps
 * it inside plain POSIX sh.
 */
export const scriptCommon = String.raw`#!/bin/sh
# peer-relay: brings this host to the state that /etc/peer-relay/relay.env describes.
#   bootstrap run      install, firewall, join, relay port; ends when the relay is ready
#   bootstrap health   one look; repairs what is not ready twice in a row
# Every run ends in the same state. It prints one line per step, and never a secret.
set -eu
umask 022
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1

lib=/usr/local/lib/peer-relay
state=/var/lib/peer-relay # survives reboots: what was installed, joined, opened
run=/run/peer-relay       # tmpfs: the auth key while it is in use, counters
secret=$run/auth

say() { printf 'peer-relay: %s\n' "$*"; }
note() { [ "$mode" = health ] || say "$@"; } # a health run that finds all in order is silent
fail() {
  printf 'peer-relay: error: %s\n' "$*" >&2
  exit 1
}

# Runs a command without its output; when it fails, $why is the reason in one line.
quietly() {
  why=$("$@" 2>&1 </dev/null) && return 0
  errors=$(printf '%s\n' "$why" | grep '^E: ') || errors=$(printf '%s\n' "$why" | grep '[^ ]' | tail -n 1) || :
  why=$(printf '%s\n' "$errors" | sed 's/^peer-relay: error: //' | tr '\n' ' ' | sed 's/ *$//')
  return 1
}

# retry TRIES COMMAND...: waits 2, 4, 8, ... seconds in between; a full disk is not worth a second try.
retry() {
  left=$1 pause=2
  shift
  until quietly "$@"; do
    left=$((left - 1))
    [ "$left" -gt 0 ] && [ -z "$(full_disk)" ] || return 1
    say "again in $pause s: $why"
    sleep "$pause"
    pause=$((pause * 2))
  done
}

# Says which file system is full, if one is: tools hide that behind words of their own.
full_disk() {
  for dir in /usr "$state" /var/cache /tmp; do
    free=$(df -Pk "$dir" 2>/dev/null | awk 'NR == 2 { print $4 }')
    [ -z "$free" ] || [ "$free" -ge 1024 ] || printf ' (disk full: %s kB left for %s)' "$free" "$dir"
  done
}

download() { # URL FILE: the file appears whole or not at all
  if command -v curl >/dev/null; then
    curl -fsSL --connect-timeout 15 --speed-limit 1000 --speed-time 30 --max-time 900 -o "$2.part" -- "$1"
  elif command -v wget >/dev/null; then
    wget -q -T 60 -O "$2.part" -- "$1"
  else
    echo "neither curl nor wget is installed"
    return 1
  fi && mv -f "$2.part" "$2"
}

put() { # FILE TEXT: writes a file in one step
  printf '%s\n' "$2" >"$1.part" && mv -f "$1.part" "$1"
}

os_release() { sed -n "s/^$1=//p" /etc/os-release | tr -d '"'; }
without_secrets() { printf '%s' "$1" | sed 's|//[^/@]*@|//|; s|[?#].*||'; } # a URL as it may be printed

cleanup() {
  rm -rf "$secret" "$state/install" /usr/bin/tailscale.peer-relay-new /usr/sbin/tailscaled.peer-relay-new
}
`;
