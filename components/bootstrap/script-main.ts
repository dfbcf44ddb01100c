/** The two commands of the bootstrap script: `run` (each boot) and `health` (each minute). */
export const scriptMain = String.raw`
# --- commands --------------------------------------------------------------------------------------------------------
run() {
  later=
  [ "$PEER_RELAY_SSM_AGENT" != true ] || install_ssm_agent || later="ssm: cannot install the agent: $why"
  install_tailscale
  open_firewall
  start_daemon
  join
  set_relay
  wait_until 90 is_ready || fail "not ready: $why"
  rm -f "$run/unready"
  date +%s >"$state/ready"
  say "ready: $PEER_RELAY_HOSTNAME relays on UDP $PEER_RELAY_PORT"
  [ -z "$later" ] || fail "$later"
}

# Gentle first: "set" again, then a restart of tailscaled, which cuts the sessions that it may still relay. A relay that
# serves but is offline is therefore left alone for ten minutes: a restart would not bring the control server back.
health() {
  [ -e "$state/ready" ] || return 0 # the first run has not succeeded yet: systemd tries that one again
  open_firewall
  if is_ready; then
    [ ! -e "$run/unready" ] || say "health: ready again"
    rm -f "$run/unready"
    return 0
  fi
  count=$(($(cat "$run/unready" 2>/dev/null || echo 0) + 1))
  echo "$count" >"$run/unready"
  [ "$count" -le 2 ] && say "health: not ready ($count): $why"
  [ "$count" -ge 2 ] || return 0
  acted=
  repair
  [ -n "$acted" ] && wait_until 30 is_ready || return 0
  rm -f "$run/unready"
  say "health: repaired"
}

repair() {
  if ! daemon_answers; then
    restart_daemon
    set_relay
  elif login_needed; then # "pulumi up" puts a new key where the former one was
    [ $((count % 2)) -eq 0 ] || return 0
    join
    set_relay
  elif relay_serves; then # offline: the network or the control server; "down" or approval: someone's decision
    [ "$(status_field BackendState)" = Running ] && [ $((count % 60)) -eq 10 ] || return 0
    restart_daemon
  else
    [ $((count % 10)) -ne 3 ] || restart_daemon
    set_relay
  fi
  acted=1
}

mode=run
[ $# -eq 0 ] || mode=$1
case $mode in run | health) ;; *) fail "usage: bootstrap run|health" ;; esac
[ "$(id -u)" = 0 ] || fail "needs root"
(umask 077 && mkdir -p "$state" "$run") || fail "cannot write to $state$(full_disk)"

# One at a time. A run waits for the one before it; a health look is simply left out. flock -o keeps the lock out of
# the hands of anything that a package's scripts leave running.
if [ "$(printenv PEER_RELAY_LOCKED || :)" != yes ]; then
  export PEER_RELAY_LOCKED=yes
  if [ "$mode" = health ]; then
    exec flock -o -n -E 0 "$run/lock" "$0" health
  fi
  exec flock -o -w 1200 "$run/lock" "$0" run
fi
trap cleanup EXIT
trap 'exit 1' HUP INT TERM
lock_timeout=$(printenv PEER_RELAY_LOCK_TIMEOUT || echo 300) # seconds to wait for apt's or dnf's lock
[ -r /etc/peer-relay/relay.env ] || fail "/etc/peer-relay/relay.env is missing"
set -a
# shellcheck disable=SC1091 # its keys are those of the renderer
. /etc/peer-relay/relay.env
set +a
"$mode"
`;
