# shellcheck shell=bash
# Debian packages that tests use, and those that only the benchmark uses: command=package.

PACKAGES="shellcheck=shellcheck cloud-init=cloud-init mmdebstrap=mmdebstrap systemd-nspawn=systemd-container
nft=nftables ip=iproute2 ps=procps flock=util-linux curl=curl"
BENCH_PACKAGES="iperf3=iperf3 ethtool=ethtool ping=iputils-ping nsenter=util-linux sysctl=procps"

# missing_packages LIST
missing_packages() {
  local pair
  for pair in $1; do
    has "${pair%%=*}" || printf '%s ' "${pair#*=}"
  done
}

setup_packages() {
  setup_package_list "$PACKAGES" \
    "the tests of the rendered scripts (shellcheck, cloud-init) and the host tests are left out"
}

setup_bench_packages() {
  setup_package_list "$BENCH_PACKAGES" "there is no benchmark"
}

# setup_package_list LIST WITHOUT: what there is not without them.
setup_package_list() {
  local missing
  # nft, ip and the like are in sbin, which an ordinary user's PATH may lack.
  PATH=$PATH:/usr/sbin:/sbin
  missing=$(missing_packages "$1")
  if [ -z "$missing" ]; then
    say "Debian packages: all there"
  elif ! has apt-get || [ "$(id -u)" != 0 ] || [ "${PEER_RELAY_INSTALL:-yes}" = no ]; then
    say "Debian packages: not there: $missing"
    say "Debian packages: without them $2."
    say "Debian packages: as root on Debian or Ubuntu: apt-get install --no-install-recommends $missing"
  else
    install_packages "$missing"
  fi
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
