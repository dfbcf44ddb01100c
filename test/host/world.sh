#!/usr/bin/env bash
# The world of the host test, inside a throw-away network, mount and process namespace (unshare, see world.ts): nothing
# of it outlives its first process, and no route leads out.
#   203.0.113.10   control server (headscale :443), download mirror (:80), SSM (:8000)
#   169.254.169.254  instance metadata
#   203.0.113.30   the relay host: Debian with its own systemd (nspawn), in a network namespace of its own
# usage: world.sh DIRECTORY ROOT_FILE_SYSTEM; programs come by $HEADSCALE and $SERVICES
set -euo pipefail
dir=$1 image=$2

mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/netns /run/lock /run/host
mount -t tmpfs -o mode=755,size=2g tmpfs "$dir/disk"
mkdir "$dir/disk/upper" "$dir/disk/work" "$dir/disk/root"
mount -t overlay overlay -o "lowerdir=$image,upperdir=$dir/disk/upper,workdir=$dir/disk/work" "$dir/disk/root"
cp -a "$dir/seed/." "$dir/disk/root/"

ip link set lo up
ip netns add relay
ip link add world type veth peer name host0 netns relay
ip addr add 203.0.113.10/24 dev world
ip addr add 169.254.169.254/32 dev world
ip link set world up
ip -n relay link set lo up
ip -n relay addr add 203.0.113.30/24 dev host0
ip -n relay link set host0 up
ip -n relay route add default via 203.0.113.10

"$HEADSCALE" serve -c "$dir/headscale.yaml" >"$dir/headscale.log" 2>&1 &
# shellcheck disable=SC2086 # a command with its arguments
$SERVICES "$dir" >"$dir/services.log" 2>&1 &

# A device node of its own: the container's tmpfiles would open up the machine's.
mknod -m 600 /run/tun c 10 200
while true; do
  systemd-nspawn --quiet --boot --directory="$dir/disk/root" --register=no --keep-unit --resolv-conf=off \
    --machine=relay-host --hostname=relay-host --timezone=off --console=read-only --link-journal=no \
    --network-namespace-path=/run/netns/relay --bind=/run/tun:/dev/net/tun \
    --capability=CAP_NET_ADMIN,CAP_NET_RAW >>"$dir/console.log" 2>&1 </dev/null || true
  echo "--- the host has stopped" >>"$dir/console.log"
  sleep 1
done
