# shellcheck shell=bash
# Debian packages, in groups: command=package. A command may have several names, one of which is enough.

PACKAGES="shellcheck=shellcheck cloud-init=cloud-init mmdebstrap=mmdebstrap systemd-nspawn=systemd-container
nft=nftables ip=iproute2 ps=procps flock=util-linux curl=curl ping=iputils-ping"

setup_packages() {
  debian_packages "Debian packages" "$PACKAGES" \
    "without them the tests of the rendered scripts (shellcheck, cloud-init), the host tests and those with real packets are left out"
}

setup_browser() {
  local browsers="chromium,chromium-browser,google-chrome=chromium" without="without one nobody looks at the demo's picture"
  # Only Debian has it as a package; Ubuntu's is a snap.
  if [ -n "$(missing_packages "$browsers")" ] && ! grep -qx ID=debian /etc/os-release 2>/dev/null; then
    say "browser: no Chromium on PATH; $without."
  else
    debian_packages "browser" "$browsers" "$without"
  fi
}

setup_machines() {
  debian_packages "virtual machines" "qemu-system-x86_64=qemu-system-x86 dnsmasq=dnsmasq-base mke2fs=e2fsprogs" \
    "without them no instance is booted as a virtual machine"
}

setup_bench_packages() {
  debian_packages "benchmark" "iperf3=iperf3 ethtool=ethtool ping=iputils-ping nsenter=util-linux sysctl=procps" \
    "without them there is no benchmark"
}

# debian_packages WHAT PAIRS WITHOUT: installs what is missing, or says what goes without it.
debian_packages() {
  local what=$1 missing
  # nft, ip and the like are in sbin, which an ordinary user's PATH may lack.
  PATH=$PATH:/usr/sbin:/sbin
  missing=$(missing_packages "$2")
  if [ -z "$missing" ]; then
    say "$what: all there"
  elif ! has apt-get || [ "$(id -u)" != 0 ] || [ "${PEER_RELAY_INSTALL:-yes}" = no ]; then
    say "$what: not there: $missing"
    say "$what: $3."
    say "$what: as root on Debian or Ubuntu: apt-get install --no-install-recommends $missing"
  else
    install_packages "$missing"
  fi
}

missing_packages() {
  local pair names name found
  for pair in $1; do
    found=
    IFS=, read -r -a names <<<"${pair%%=*}"
    for name in "${names[@]}"; do if has "$name"; then found=yes; fi; done
    [ -n "$found" ] || printf '%s ' "${pair#*=}"
  done
}

install_packages() {
  local missing=$1 log=$CACHE/apt.log
  mkdir -p "$CACHE"
  say "Debian packages: installing $missing"
  export DEBIAN_FRONTEND=noninteractive
  case " $missing " in
    # It is here for its schema check; it must not take this machine in hand at the next boot.
    *" cloud-init "*) mkdir -p /etc/cloud && touch /etc/cloud/cloud-init.disabled ;;
  esac
  with_progress "apt-get update" "$log" last_line apt-get -o DPkg::Lock::Timeout=300 -qq update ||
    say "apt-get update: $(last_line "$log"); going on with the lists that are here"
  # shellcheck disable=SC2086 # a list of words
  with_progress "apt-get install" "$log" last_line \
    apt-get -o DPkg::Lock::Timeout=300 -y -qq --no-install-recommends install $missing || {
    tail -n 15 "$log" >&2
    die "Debian packages: apt-get could not install $missing"
  }
  say "Debian packages: installed"
}
