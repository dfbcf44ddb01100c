#!/usr/bin/env bash
# Builds the lab's download mirror: the vendor's archive of static binaries, and its apt repository, signed by a key that
# is thrown away. Runs in a mount namespace of its own, with dpkg and gpg of the image.
# usage: build-mirror.sh DIRECTORY IMAGE PROGRAMS UNITS VERSION ARCHIVE_ARCH
set -euo pipefail
dir=$1 image=$2 programs=$3 units=$4 version=$5 arch=$6
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$dir/work name=tailscale_${version}_$arch

mkdir -p "$work"
mount -t tmpfs -o mode=755,size=512m tmpfs "$work"
mkdir "$work/upper" "$work/work" "$work/root"
mount -t overlay overlay -o "lowerdir=$image,upperdir=$work/upper,workdir=$work/work" "$work/root"
mkdir -p "$work/root/build/$name/systemd"
cp "$programs/tailscale" "$programs/tailscaled" "$work/root/build/$name/"
cp "$units/tailscaled.service" "$units/tailscaled.defaults" "$work/root/build/$name/systemd/"
cp "$here/apt-repository.sh" "$work/root/build/"
chroot "$work/root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
  sh /build/apt-repository.sh /build "/build/$name" "$version"
tar -C "$work/root/build" --owner=0 --group=0 -cf - "$name" | gzip -1 >"$dir/$name.tgz"
cp -r "$work/root/build/debian" "$dir/"
umount -l "$work/root" "$work"
rmdir "$work"
