/**
 * Joining the tailnet and serving as relay.
 *
 * From tailscale 1.102.3's source: `--auth-key=file:` reads the key from a file, so it is in no argument list
 * (cmd/tailscale/cli/up.go, resolveValueFromFile); an OAuth client secret is an auth key with a query, and without
 * `ephemeral=false&preauthorized=true` the device would be ephemeral and wait for approval (feature/oauthkey); the
 * same query goes on the workload identity's client id (feature/identityfederation). Only `set` knows the relay flags,
 * and `set` before the first `up` is lost (measured), hence always `up`, then `set`.
 */
export const scriptJoin = String.raw`
# --- join ------------------------------------------------------------------------------------------------------------
status_field() { # NAME: a scalar of "tailscale status"; without peers, Online can only be this node's own
  timeout 20 tailscale status --json --peers=false 2>/dev/null | sed -n "s/^[[:space:]]*\"$1\": \"\{0,1\}\([^\",]*\).*/\1/p" | head -n 1
}

daemon_answers() { [ -n "$(status_field BackendState)" ]; }

wait_until() { # SECONDS COMMAND...
  deadline=$(($(date +%s) + $1))
  shift
  until "$@"; do
    [ "$(date +%s)" -lt "$deadline" ] || return 1
    sleep 1
  done
}

start_daemon() {
  quietly systemctl enable --now tailscaled || fail "tailscaled: $why"
  wait_until 60 daemon_answers || fail "tailscaled does not answer; see: journalctl -u tailscaled"
  case "$(status_field Version)" in
    "$PEER_RELAY_TAILSCALE_VERSION" | "$PEER_RELAY_TAILSCALE_VERSION"-*) ;;
    *) restart_daemon ;; # the binary was replaced under a running daemon
  esac
}

restart_daemon() {
  say "tailscaled: restarting"
  quietly systemctl restart tailscaled || fail "tailscaled: $why"
  wait_until 60 daemon_answers || fail "tailscaled does not answer; see: journalctl -u tailscaled"
}

# A device that was deleted from the tailnet: state NeedsLogin, or, while tailscaled lives on what it remembers of the
# tailnet, Running but offline with a login URL (measured with tailscale 1.102.3 and headscale 0.29.0).
login_needed() {
  [ "$(status_field BackendState)" = NeedsLogin ] ||
    { [ -n "$(status_field AuthURL)" ] && [ "$(status_field Online)" != true ]; }
}

settled() { case "$(status_field BackendState)" in '' | NoState | Starting) return 1 ;; esac }

fetch_auth_key() {
  rm -f "$secret"
  case $PEER_RELAY_AUTH in
    parameter | oauth-parameter)
      retry 2 "$lib/aws" parameter "$PEER_RELAY_PARAMETER" "$secret" || fail "auth: $why"
      ;;
    file)
      [ -s "$PEER_RELAY_KEY_FILE" ] || fail "auth: no key at $PEER_RELAY_KEY_FILE"
      (umask 077 && cat "$PEER_RELAY_KEY_FILE" >"$secret")
      ;;
  esac
  if grep -q '^tskey-client-' "$secret"; then
    grep -q '?' "$secret" || {
      key=$(cat "$secret")
      (umask 077 && printf '%s?ephemeral=false&preauthorized=true\n' "$key" >"$secret") # printf is a builtin: no argv
    }
  elif [ "$PEER_RELAY_AUTH" = oauth-parameter ]; then
    fail "auth: $PEER_RELAY_PARAMETER holds no OAuth client secret (tskey-client-...)"
  fi
}

# A key that was refused is not offered again for ten minutes; a new key is taken at once.
recently_refused() {
  [ -n "$(find "$run/refused" -mmin -10 2>/dev/null)" ] &&
    [ "$(sha256sum <"$secret")" = "$(head -n 1 "$run/refused")" ]
}

# What tailscale said, without the secret, should it ever quote it (awk reads the secret from the file, not from argv).
scrubbed() {
  [ -s "$secret" ] || { cat && return; }
  awk 'NR == FNR { s = $0; sub(/[?].*/, "", s); next }
    { while (s != "" && (i = index($0, s))) $0 = substr($0, 1, i - 1) "***" substr($0, i + length(s)); print }' "$secret" -
}

up() { # FLAG...: runs "tailscale up"; $why is its last line
  code=0
  timeout 150 tailscale up "$@" >"$run/up" 2>&1 </dev/null || code=$?
  why=$(scrubbed <"$run/up" | grep '[^ ]' | tail -n 1) || :
  rm -f "$run/up"
  return "$code"
}

# Tags and login server cannot change without a new login; all else is for "set".
identity() { printf '%s %s' "$PEER_RELAY_TAGS" "$PEER_RELAY_LOGIN_SERVER"; }

join() {
  wait_until 30 settled || :
  current=$(status_field BackendState)
  [ "$current" = NeedsLogin ] || ! login_needed || current=Deleted
  [ "$(cat "$state/joined" 2>/dev/null)" = "$(identity)" ] && known=1 || known=
  case $current$known in
    Running1 | Starting1)
      note "join: $PEER_RELAY_HOSTNAME is in the tailnet"
      return 0
      ;;
  esac
  tags=$PEER_RELAY_TAGS
  set --
  if [ -n "$PEER_RELAY_LOGIN_SERVER" ]; then
    set -- --login-server="$PEER_RELAY_LOGIN_SERVER"
    # headscale takes tags from the auth key alone and refuses a device that asks for the same ones
    case $PEER_RELAY_AUTH in parameter | file) tags= ;; esac
  fi
  set -- "$@" --hostname="$PEER_RELAY_HOSTNAME" --ssh="$PEER_RELAY_TAILSCALE_SSH" --accept-dns=false --timeout=120s \
    --advertise-tags="$tags"
  case $current$known in
    Stopped1 | NeedsMachineAuth1) ;; # logged in already: no key needed
    Running | Starting | Stopped | Deleted*) set -- "$@" --force-reauth ;;
  esac
  case $current$known in
    Stopped1 | NeedsMachineAuth1) ;;
    *)
      if [ "$PEER_RELAY_AUTH" = workload-identity ]; then
        case $PEER_RELAY_CLIENT_ID in *\?*) query= ;; *) query='?ephemeral=false&preauthorized=true' ;; esac
        set -- "$@" --client-id="$PEER_RELAY_CLIENT_ID$query" --audience="$PEER_RELAY_AUDIENCE"
      else
        fetch_auth_key
        recently_refused && fail "join: the same auth key as before: $(sed 1d "$run/refused")"
        set -- "$@" --auth-key="file:$secret"
      fi
      ;;
  esac
  say "join: tailscale up as $PEER_RELAY_HOSTNAME"
  if ! up "$@"; then
    explain_refusal
    fail "join: tailscale up: $why"
  fi
  identity >"$state/joined"
  [ "$PEER_RELAY_AUTH" != file ] || rm -f "$PEER_RELAY_KEY_FILE"
  rm -f "$secret" "$run/refused"
}

explain_refusal() {
  case $why in
    *"require --id-token"*)
      why="AWS gave no identity token: outbound web identity federation must be on in the account, and the role may call sts:GetWebIdentityToken"
      ;;
    *"backend error"* | *"not permitted"* | *"API token"* | *Unauthorized*) # words of a control server that was reached
      [ ! -s "$secret" ] || printf '%s\n%s\n' "$(sha256sum <"$secret")" "$why" >"$run/refused"
      # tailscaled would go on offering the refused key to the control server, every few seconds
      ! login_needed || systemctl restart tailscaled || :
      ;;
  esac
  [ "$(status_field BackendState)" != NeedsMachineAuth ] || why="the device waits for approval in the admin console"
}

# --- relay -----------------------------------------------------------------------------------------------------------
set_relay() {
  set -- --relay-server-port="$PEER_RELAY_PORT" --hostname="$PEER_RELAY_HOSTNAME" --ssh="$PEER_RELAY_TAILSCALE_SSH" \
    --auto-update=false # a tailnet-wide default must not undo the pinned version
  case $PEER_RELAY_TAILSCALE_VERSION in
    1.8[0-9].* | 1.9[01].*)
      [ -z "$PEER_RELAY_STATIC_ENDPOINTS" ] || note "relay: static endpoints need tailscale 1.92; left out"
      ;;
    *) set -- "$@" --relay-server-static-endpoints="$PEER_RELAY_STATIC_ENDPOINTS" ;;
  esac
  quietly timeout 60 tailscale set "$@" || fail "relay: tailscale set: $why"
  note "relay: tailscale set --relay-server-port=$PEER_RELAY_PORT"
}

relay_serves() {
  case $PEER_RELAY_TAILSCALE_VERSION in
    1.8?.*) # listens only once a client asks, and does not tell: the setting is all there is to see
      timeout 20 tailscale debug prefs 2>/dev/null | grep -Eq "\"RelayServerPort\": $PEER_RELAY_PORT,?$"
      ;;
    *) timeout 20 tailscale debug peer-relay-sessions 2>/dev/null | grep -qx "Server port: $PEER_RELAY_PORT" ;;
  esac
}

is_ready() { # else $why
  why=
  if ! daemon_answers; then
    why="tailscaled does not answer"
  elif [ "$(status_field BackendState)" != Running ]; then
    why="tailscale is in state $(status_field BackendState)"
  elif ! relay_serves; then
    why="no relay on UDP $PEER_RELAY_PORT"
    last=$(journalctl -u tailscaled -n 300 -o cat 2>/dev/null | grep 'relayserver: error initializing' | tail -n 1) || :
    [ -z "$last" ] || why="$why ($last)"
  elif login_needed; then
    why="this device is not in the tailnet any more"
  elif [ "$(status_field Online)" != true ]; then
    why="not online at the control server"
  fi
  [ -z "$why" ]
}
`;
