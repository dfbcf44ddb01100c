/**
 * The host firewall step: opens the relay's UDP port in whatever firewall is active, and only there.
 *
 * The commands for ufw, firewalld and iptables are those of the article. ufw and firewalld keep the rule themselves;
 * iptables and nftables rules live in the kernel only, so every run (each boot, and each health run) puts them back.
 * The port counts as open only where packets from everywhere reach the rule that lets them in.
 * Limits: with firewalld the default zone is the one opened; a drop in nftables' netdev ingress hook, or more than one
 * jump below the input chain, is not seen.
 */
export const scriptFirewall = String.raw`
# --- firewall --------------------------------------------------------------------------------------------------------
open_firewall() {
  port=$PEER_RELAY_PORT opened=
  close_former_port
  if command -v ufw >/dev/null && ufw status | grep -q '^Status: active'; then
    open_ufw
  elif command -v firewall-cmd >/dev/null && firewall-cmd --state >/dev/null 2>&1; then
    open_firewalld
  else
    managed=
    open_iptables iptables ip
    open_iptables ip6tables ip6
    open_nftables
    [ -n "$opened" ] || note "firewall: none closes UDP $port"
  fi
}

did_open() { # WHERE COMMAND...: runs it, says it, and remembers it so that a later change of port can take it back
  where=$1 opened=1
  shift
  quietly "$@" || fail "firewall: $where: $why"
  say "firewall: $where: opened UDP $port"
  is_recorded "$where" || echo "$where $port" >>"$state/firewall"
}

is_recorded() { grep -qsx "$1 $port" "$state/firewall"; }

was_open() {
  opened=1
  note "firewall: $1: UDP $port is open"
}

# A rule for some sources only does not count. IPv6 has a rule of its own, where ufw has chains for it at all.
open_ufw() {
  families=1
  if ip6tables -w -S ufw6-user-input >/dev/null 2>&1; then families=2; fi
  if [ "$(ufw status | grep -Ec "^$port/udp( \(v6\))? +ALLOW( IN)? +Anywhere( |\$)")" -ge "$families" ]; then
    was_open ufw
  else
    did_open ufw ufw allow "$port/udp"
  fi
}

open_firewalld() {
  if firewall-cmd -q --query-port="$port/udp" && firewall-cmd -q --permanent --query-port="$port/udp"; then
    was_open firewalld
  else
    did_open firewalld firewall-cmd --permanent --add-port="$port/udp"
    quietly firewall-cmd --reload || fail "firewall: firewalld: $why"
  fi
}

open_iptables() { # TOOL FAMILY
  command -v "$1" >/dev/null && rules=$("$1" -w -S 2>/dev/null) || return 0
  managed="$managed $2/filter/INPUT" # iptables' own chain: not to be edited with nft behind its back
  how=$(printf '%s\n' "$rules" | how_to_open)
  case $how in
    '') ;;
    open) was_open "$1" ;;
    *)
      ! is_recorded "$1" || quietly "$1" -w -D INPUT -p udp --dport "$port" -j ACCEPT || : # ours, but too far behind
      did_open "$1" "$1" -w "$how" INPUT -p udp --dport "$port" -j ACCEPT
      ;;
  esac
}

# Reads iptables' rules; prints "open", or where our rule has to go, or nothing when there is no need of one.
# INPUT closes when its policy drops, or a rule in it, or in a chain that it jumps to, drops or rejects. Our rule opens it
# when none before it takes all packets to the port; one that takes some sources or protocols only is left in front.
how_to_open() {
  awk -v port="$port" '
    BEGIN {
      ours = "-A INPUT -p udp -m udp --dport " port " -j ACCEPT"
      all = "^-A [^ ]+( ! -i lo| -i e[^ ]+)?( -p udp( -m udp( --dport " port ")?)?)? -[jg] "
    }
    { sub(/ -m comment --comment ("[^"]*"|[^ ]+)/, "") }
    $1 == "-P" && $2 == "INPUT" && $3 != "ACCEPT" { append = 1 }
    $1 == "-A" && $2 == "INPUT" { rule[++n] = $0 }
    $1 == "-A" && /-j (DROP|REJECT)/ { closes[$2] = 1; if ($0 ~ all) takes[$2] = 1 }
    END {
      closes["DROP"] = closes["REJECT"] = takes["DROP"] = takes["REJECT"] = 1
      for (i = 1; i <= n; i++) {
        if (rule[i] == ours && !taken) open = 1
        target = rule[i]
        sub(/.* -[jg] /, "", target)
        sub(/ .*/, "", target)
        if (target in closes && target !~ /^ts-/) insert = 1
        if (target in takes && rule[i] ~ all) taken = 1
      }
      how = insert ? "-I" : append ? "-A" : ""
      print how && open ? "open" : how
    }'
}

# Prints "family table chain" of each nftables chain on the input hook that can drop or reject.
closing_chains() {
  nft list ruleset 2>/dev/null | awk -v managed="$managed " '
    $1 == "table" { family = $2; table = $3 }
    $1 == "chain" { id = family " " table " " $2 }
    /type filter hook input/ { hooked[id] = 1; if (/policy drop/) closes[id] = 1 }
    !/type filter/ && /(^|[ \t])(drop|reject)( |$)/ { closes[id] = 1 }
    match($0, /(jump|goto) [A-Za-z0-9_.-]+/) {
      target = substr($0, RSTART + 5, RLENGTH - 5)
      if (target !~ /^ts-/) jumps[id] = jumps[id] SUBSEP family " " table " " target
    }
    END {
      for (id in hooked) {
        split(id, part, " ")
        if (part[1] !~ /^(inet|ip|ip6)$/ || index(managed, " " part[1] "/" part[2] "/" part[3] " ")) continue
        closed = id in closes
        n = split(jumps[id], targets, SUBSEP)
        for (i = 1; i <= n; i++) if (targets[i] in closes) closed = 1
        if (closed) print id
      }
    }'
}

open_nftables() {
  command -v nft >/dev/null || return 0
  closing_chains >"$run/chains"
  while read -r family table chain; do
    if nft_lets_in "$family" "$table" "$chain"; then
      was_open "nftables $family/$table/$chain"
    else
      forget_nft_rule "$family $table $chain" "$port"
      did_open "nftables $family/$table/$chain" \
        nft insert rule "$family" "$table" "$chain" udp dport "$port" accept comment '"peer-relay"'
    fi
  done <"$run/chains"
}

nft_lets_in() { # FAMILY TABLE CHAIN: is our rule there, and none before it that takes all packets to the port?
  nft list chain "$1" "$2" "$3" | awk -v port="$port" '
    BEGIN {
      ours = "udp dport " port " accept comment \"peer-relay\""
      all = "^[ \t]*((iif(name)? (\"e[^ ]+|!= \"lo\")|meta l4proto udp|udp dport " port \
        "|counter packets [0-9]+ bytes [0-9]+|log( prefix \"[^\"]*\")?) )*(drop|reject)( |$)"
    }
    index($0, ours) && !taken { open = 1 }
    $0 ~ all { taken = 1 }
    END { exit !open }'
}

# The port was changed: takes back what an earlier run opened for the former one, and nothing that others opened.
close_former_port() {
  [ -s "$state/firewall" ] || return 0
  grep -v " $port\$" "$state/firewall" >"$run/former" || return 0
  while read -r tool place former; do
    [ -n "$former" ] || { former=$place place=; }
    case $tool in
      ufw) quietly ufw --force delete allow "$former/udp" || : ;;
      firewalld)
        quietly firewall-cmd --remove-port="$former/udp" || :
        quietly firewall-cmd --permanent --remove-port="$former/udp" || :
        ;;
      iptables | ip6tables) quietly "$tool" -w -D INPUT -p udp --dport "$former" -j ACCEPT || : ;;
      nftables) forget_nft_rule "$(echo "$place" | tr / ' ')" "$former" ;;
    esac
    say "firewall: $tool: closed UDP $former again"
  done <"$run/former"
  grep " $port\$" "$state/firewall" >"$run/former" || :
  cat "$run/former" >"$state/firewall"
}

forget_nft_rule() { # "FAMILY TABLE CHAIN" PORT
  # shellcheck disable=SC2086 # three words on purpose
  nft -a list chain $1 2>/dev/null | sed -n "s/.*udp dport $2 accept comment \"peer-relay\".* handle //p" |
    while read -r handle; do quietly nft delete rule $1 handle "$handle" || :; done
}
`;
