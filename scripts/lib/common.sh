# shellcheck shell=bash
# What the set-up of every tool shares: messages, versions, the cache and its locks, work that may take long.
# Bash 3.2 (macOS) is enough.

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CACHE=${PEER_RELAY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/peer-relay}
# shellcheck disable=SC2034 # the parts use it
BIN=$CACHE/bin
# An update check would cost seconds and reach for the network.
export PULUMI_SKIP_UPDATE_CHECK=true

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# first_version TEXT: the first a.b.c (or a.b) in it.
first_version() { printf '%s\n' "$1" | sed -n 's/^[^0-9]*\([0-9][0-9]*\.[0-9][0-9.]*\).*/\1/p' | head -n 1; }

# at_least HAVE WANT: compares dotted numbers; no version at all is never enough.
at_least() {
  case $1 in '' | *[!0-9.]*) return 1 ;; esac
  local IFS=. i
  local -a have want
  read -r -a have <<<"$1"
  read -r -a want <<<"$2"
  for i in 0 1 2; do
    ((10#${have[i]:-0} > 10#${want[i]:-0})) && return 0
    ((10#${have[i]:-0} < 10#${want[i]:-0})) && return 1
  done
  return 0
}

# same_major HAVE WANT
same_major() { [ "${1%%.*}" = "${2%%.*}" ]; }

os_name() { uname -s | tr '[:upper:]' '[:lower:]'; }

# arch_name X64 ARM64: the word that a vendor uses for this machine.
arch_name() {
  case $(uname -m) in
    x86_64 | amd64) echo "$1" ;;
    aarch64 | arm64) echo "$2" ;;
    *) uname -m ;;
  esac
}

# --- work that may be interrupted -----------------------------------------------------------------------------------

STAGE=
JOB=

# stage_new TOOL: an empty directory that the tool is put together in; only a finished tool leaves it, by a rename.
stage_new() {
  mkdir -p "$CACHE/tmp"
  # What a killed run left behind. The caller holds the tool's lock, so nobody works in there.
  discard "$CACHE/tmp/$1".*
  STAGE=$(mktemp -d "$CACHE/tmp/$1.XXXXXX")
}

# stage_commit DIR: the finished stage becomes DIR.
stage_commit() {
  mkdir -p "$(dirname "$1")"
  discard "$1"
  mv "$STAGE" "$1"
  STAGE=
}

stage_drop() {
  [ -z "$STAGE" ] || discard "$STAGE" "$STAGE.log"
  STAGE=
}

# discard PATH...: also what Go's module cache marked read-only.
discard() {
  local path
  for path in "$@"; do
    [ -e "$path" ] || [ -L "$path" ] || continue
    [ -L "$path" ] || chmod -R u+w "$path" 2>/dev/null || true
    rm -rf "$path"
  done
}

stop_job() {
  [ -n "$JOB" ] || return 0
  kill -TERM -- "-$JOB" 2>/dev/null || true
  wait "$JOB" 2>/dev/null || true
  JOB=
}

on_exit() {
  stop_job
  stage_drop
}

on_signal() {
  trap - INT TERM HUP
  say "interrupted; what was finished stays in $CACHE, the rest is made again next time"
  exit "$1" # on_exit runs
}

trap on_exit EXIT
trap 'on_signal 130' INT
trap 'on_signal 143' TERM
trap 'on_signal 129' HUP

LOCK_FD=9

# with_lock NAME COMMAND...: two set-ups at the same time do each tool once. One lock may be taken inside another.
with_lock() {
  local name=$1 fd=$LOCK_FD
  shift
  if has flock; then
    mkdir -p "$CACHE/locks"
    eval "exec $fd>\"\$CACHE/locks/\$name\""
    if ! flock -n "$fd"; then
      say "$name: another set-up is at it; waiting"
      until flock -w 30 "$fd"; do say "$name: still waiting"; done
    fi
  fi
  LOCK_FD=$((fd - 1))
  "$@" # not in a condition, which would switch `set -e` off in it
  LOCK_FD=$fd
  eval "exec $fd>&-"
}

# with_progress LABEL LOG DETAIL COMMAND...: runs COMMAND in a process group of its own (so that an interrupt ends all
# of it), its output in LOG, and says every 15 s how long it has been going and what DETAIL makes of the log.
with_progress() {
  local label=$1 log=$2 detail=$3 begin=$SECONDS next=15 status=0
  shift 3
  set -m
  "$@" >"$log" 2>&1 </dev/null 8>&- 9>&- &
  JOB=$!
  set +m
  while kill -0 "$JOB" 2>/dev/null; do
    sleep 0.2
    if ((SECONDS - begin >= next)); then
      say "$label: $((SECONDS - begin)) s, $("$detail" "$log")"
      next=$((next + 15))
    fi
  done
  wait "$JOB" || status=$?
  JOB=
  return "$status"
}

last_line() { tail -n 1 "$1" | cut -c1-100; }

# --- downloads ------------------------------------------------------------------------------------------------------

# fetch URL FILE: false when the host cannot be reached within seconds or has no such file. PEER_RELAY_DOWNLOADS=no
# leaves all vendors' downloads out.
fetch() {
  local status=0
  [ "${PEER_RELAY_DOWNLOADS:-yes}" != no ] || return 1
  has curl || return 1
  fetch_once "$1" "$2" || status=$?
  case $status in
    18 | 56 | 92) status=0 && fetch_once "$1" "$2" || status=$? ;; # broken off on the way: worth another try
  esac
  discard "$2.log"
  [ "$status" = 0 ] || discard "$2"
  return "$status"
}

fetch_once() {
  with_progress "download $(basename "$2")" "$2.log" downloaded \
    curl -fsSL --connect-timeout 5 --speed-limit 1000 --speed-time 30 -o "$2" "$1"
}

downloaded() { du -sh "${1%.log}" 2>/dev/null | awk '{ print $1 " here so far" }'; }

sha256_of() { if has sha256sum; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d' ' -f1; }

# verify FILE SUMS-URL: compares with the vendor's list of checksums (a line per file, or one bare checksum). A list
# that cannot be had is told; a checksum that differs, or a list without the file, is final.
verify() {
  local file=$1 sums=$1.sums name want
  name=$(basename "$file")
  if ! fetch "$2" "$sums"; then
    say "$name: the vendor's checksums could not be read; going by HTTPS and the program's own version"
    return 0
  fi
  want=$(awk -v name="$name" '$2 == name || $2 == "*" name || (NF == 1 && NR == 1) { print $1; exit }' "$sums")
  [ "$want" = "$(sha256_of "$file")" ] || die "$name: checksum is not the vendor's (${want:-not listed}); nothing was installed"
}

# --- builds from the Go module registry -------------------------------------------------------------------------------

# go_module TOOL: the module that pins it; that of a tool for one test lies beside the test.
go_module() {
  case $1 in
    hujson) echo "$REPO/test/unit/policy/hujson" ;;
    *) echo "$REPO/scripts/tools/$1" ;;
  esac
}

# go_build TOOL FLAGS PACKAGE...: builds the packages that the tool's module pins into the stage. Every module's
# checksum is in the committed go.sum, so nothing else can be built, whichever module proxy GOPROXY names.
go_build() {
  local tool=$1 flags=$2 log=$STAGE.log tries=0
  shift 2
  mkdir -p "$STAGE/.tmp"
  # Downloads first, apart: they can be tried again, and their list is the measure of the build's progress.
  until with_progress "$tool: fetching modules" "$log" last_line \
    go_in "$tool" list -mod=readonly -deps -f '{{.ImportPath}}' "$@"; do
    tries=$((tries + 1))
    if ((tries == 3)); then go_failed "$tool" "$log"; fi
    say "$tool: fetching modules failed ($(last_line "$log")); trying again"
  done
  GO_TOTAL=$(grep -vc '^go: ' "$log")
  say "$tool: compiling up to $GO_TOTAL packages; the first time this takes minutes, after that Go's cache helps"
  with_progress "$tool: compiling" "$log" compiled \
    go_in "$tool" build -mod=readonly -trimpath -v -ldflags "$flags" -o "$STAGE/" "$@" || go_failed "$tool" "$log"
  discard "$STAGE/.tmp" "$log"
}

go_in() {
  local tool=$1
  shift
  # Go's own temporary files lie in the stage, so that they go with it when the build is interrupted.
  cd "$(go_module "$tool")" && GOWORK=off GOTMPDIR=$STAGE/.tmp exec go "$@"
}

compiled() {
  local count
  count=$(grep -vc '^go: ' "$1")
  if [ "$count" = 0 ]; then
    echo "all from Go's cache so far"
  else
    printf '%s of up to %s packages, now %s' "$count" "$GO_TOTAL" "$(last_line "$1")"
  fi
}

go_failed() {
  tail -n 15 "$2" >&2
  discard "$2"
  die "$1: could not be built from the Go module registry (the last lines are above)"
}
