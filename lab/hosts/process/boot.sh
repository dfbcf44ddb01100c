#!/bin/sh
# Boots an instance that is no booted system: makes ROOT the root of the mount namespace that this runs in, with the
# machine's own programs in it, read-only, and becomes the instance's first process. It runs as the first process of
# namespaces of its own (mounts, processes, IPC, host name) in the instance's network namespace.
# usage: boot.sh ROOT
set -eu
root=$1

mount --bind "$root" "$root" # only a mount can be the root
for part in "$root"/.machine/*; do
  # With what is mounted below it: in a user namespace, the kernel does not let go of one without the other.
  [ -L "$part" ] || mount --rbind "/${part##*/}" "$part"
done
while read -r _ _ _ _ where _; do
  where=$(printf '%b' "$where") # it has blanks as \040
  case $where in "$root"/.machine/*) mount -o remount,bind,ro "$where" ;; esac
done <<END
$(cat /proc/self/mountinfo)
END
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
for directory in tmp dev/shm; do mount -t tmpfs -o mode=1777 tmpfs "$root/$directory"; done
# An ordinary user can make no device nodes, so these are the machine's.
for device in null zero full random urandom tty net/tun; do
  [ ! -e "$root/dev/$device" ] || mount --bind "/dev/$device" "$root/dev/$device"
done
cd "$root"
pivot_root . .
umount -l . # the former root, which lies over the new one
cd /
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
  /usr/bin/python3 -B /usr/local/lib/lab/init.py
