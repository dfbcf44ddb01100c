#!/usr/bin/env bash
# Runs a command in a throw-away set of network, mount and process namespaces (and a user namespace, when not root):
# nothing that it starts or mounts outlives it, and no route leads out. Its TMPDIR and its control groups belong to
# this run; they are removed at its end, and those of a run that was killed by the next one.
# Exit status: the command's; 69 when this machine does not let us make namespaces.
# usage: lab/internet/enter.sh COMMAND [ARGUMENT...]
set -euo pipefail

base=${TMPDIR:-/tmp}

# --- Inside: the first process of the namespaces, and with it all of them end.
if [ "${1:-}" = --inside ]; then
  shift
  mount -t tmpfs -o mode=755 tmpfs /run
  mkdir -p /run/netns /run/lock
  # There is no name server, and a tailscaled must not write into the machine's own file.
  if resolv=$(readlink -m /etc/resolv.conf) && mkdir -p "${resolv%/*}" 2>/dev/null; then
    [ -e "$resolv" ] || : >"$resolv"
    echo "# the lab has no name server" >/run/resolv.conf
    mount --bind /run/resolv.conf "$resolv"
  fi
  ip link set lo up
  "$@" <&0 &
  command=$!
  trap 'kill -TERM "$command" 2>/dev/null || true' TERM
  status=0
  # A signal ends the wait, not the command.
  while wait "$command" && status=0 || status=$?; do
    kill -0 "$command" 2>/dev/null || break
  done
  exit "$status"
fi

# --- Outside.
[ $# -gt 0 ] || { echo "usage: lab/internet/enter.sh COMMAND [ARGUMENT...]" >&2 && exit 2; }

# Control groups that we could make below our own, in whichever hierarchies there are.
possible_groups() {
  local mount own
  for mount in unified systemd .; do
    [ -e "/sys/fs/cgroup/$mount/cgroup.procs" ] || continue
    case $mount in
      systemd) own=$(sed -n 's/^[0-9]*:name=systemd://p' /proc/self/cgroup) ;;
      *) own=$(sed -n 's/^0:://p' /proc/self/cgroup) ;;
    esac
    printf '%s\n' "/sys/fs/cgroup/$mount/${own#/}/${1##*/}"
  done
}

# forget RUN: removes what a run has left outside of its namespaces.
forget() {
  local group try
  while read -r group; do
    # The kernel takes a moment to empty the group of processes that were killed.
    for try in {1..50}; do
      [ -d "$group" ] || break
      [ "$try" = 1 ] || sleep 0.1
      find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
    done
    if [ -d "$group" ]; then echo "enter.sh: cannot remove the control group $group" >&2 && return; fi
  done < <(cat "$1/groups" 2>/dev/null)
  rm -rf --one-file-system "$1"
}

# A run holds its lock as long as one of its first processes lives.
sweep() {
  local run
  for run in "$base"/peer-relay-run.*; do
    if [ -d "$run" ] && [ -O "$run" ] && [ ! -L "$run" ] && flock -n "$run/lock" true; then forget "$run"; fi
  done
}

namespaces=(-n -m -p -f --kill-child --mount-proc)
[ "$(id -u)" = 0 ] || namespaces+=(--user --map-root-user)
if ! problem=$(unshare "${namespaces[@]}" true 2>&1); then
  echo "the lab's internet is left out: this machine lets $(id -un) make no namespaces ($problem)" >&2
  exit 69
fi

# The lock on the base directory: nobody sweeps between the making of a run's directory and its lock.
exec 8<"$base"
flock -w 30 8 || { echo "enter.sh: somebody holds a lock on $base" >&2 && exit 1; }
sweep
run=$(mktemp -d "$base/peer-relay-run.XXXXXXXX")
exec 9>"$run/lock"
flock -n 9
exec 8<&-

possible_groups "$run" >"$run/groups"
(
  while read -r group; do
    # Not allowed to an ordinary user in most places, who then does without.
    { mkdir "$group" && echo "$BASHPID" >"$group/cgroup.procs"; } 2>/dev/null || true
  done <"$run/groups"
  unset http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY
  export PEER_RELAY_LAB_NET=1 TMPDIR="$run"
  # It dies with us even when we are killed, and all the rest with it.
  exec setpriv --pdeathsig KILL unshare "${namespaces[@]}" bash "${BASH_SOURCE[0]}" --inside "$@"
) <&0 &
unshare=$!

trap 'pkill -TERM -P "$unshare" || kill -KILL "$unshare" 2>/dev/null || true' TERM INT HUP
status=0
while wait "$unshare" && status=0 || status=$?; do
  kill -0 "$unshare" 2>/dev/null || break
done
trap '' TERM INT HUP
forget "$run"
exit "$status"
