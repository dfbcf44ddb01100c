#!/usr/bin/env bash
# Runs a command in the checkout as an ordinary user who has nothing but the tools of our cache. Root's directories are
# closed to them: the checkout (read-only) and the cache's tools are mounted in SCRATCH, in a mount namespace of its own.
# usage: unshare -m --propagation private ordinary-user.sh SCRATCH UID CHECKOUT CACHE COMMAND [ARGUMENT...]
set -euo pipefail
scratch=$1 uid=$2 checkout=$3 cache=$4
shift 4

# Where links of the cache lead to, a Python in root's home for one.
elsewhere() {
  find "$cache/bin" "$cache"/moto-*/bin -maxdepth 3 -type l -exec readlink -f {} + | grep -v "^$cache/" |
    sed 's|/bin/[^/]*$||' | sort -u
}

# The topmost directory on the way to $1 that is closed to others; nothing when the way is open.
closed() {
  local path='' part parts
  IFS=/ read -r -a parts <<<"${1#/}"
  for part in "${parts[@]}"; do
    path=$path/$part
    if [ $(($(stat -c '0%a' "$path") & 1)) = 0 ]; then echo "$path" && return; fi
  done
}

mkdir -p "$scratch/checkout" "$scratch/home/.cache/peer-relay" "$scratch/t"
mount --bind "$checkout" "$scratch/checkout"
mount -o remount,bind,ro "$scratch/checkout"

# The tools, opened to others where they are not; all else of the cache is the user's to make.
mount -t tmpfs -o mode=755 tmpfs "$scratch/home/.cache/peer-relay"
chown "$uid:$uid" "$scratch/home/.cache/peer-relay"
mkdir "$scratch/upper"
mount -t tmpfs -o mode=755 tmpfs "$scratch/upper"
for tools in "$cache"/bin "$cache"/moto-*; do
  name=${tools##*/}
  copy=$scratch/home/.cache/peer-relay/$name
  mkdir -p "$copy" "$scratch/upper/$name/files" "$scratch/upper/$name/work"
  mount -t overlay overlay \
    -o "lowerdir=$tools,upperdir=$scratch/upper/$name/files,workdir=$scratch/upper/$name/work" "$copy"
  find "$copy" -type d ! -perm -5 -exec chmod o+rx {} +
done

opened=()
while read -r home; do
  cover=$(closed "$home")
  [ -n "$cover" ] || continue
  aside=$scratch/aside.${#opened[@]}
  mkdir "$aside"
  mount --bind "$home" "$aside"
  opened+=("$cover $aside $home")
done < <(elsewhere)
for line in "${opened[@]}"; do
  read -r cover aside home <<<"$line"
  [ "$(closed "$cover")" = '' ] || mount -t tmpfs -o mode=755 tmpfs "$cover"
  mkdir -p "$home"
  mount --bind "$aside" "$home"
done

chown "$uid:$uid" "$scratch/home" "$scratch/home/.cache" "$scratch/t"
{ cat /etc/passwd && echo "somebody:x:$uid:$uid::$scratch/home:/bin/sh"; } >"$scratch/passwd"
mount --bind "$scratch/passwd" /etc/passwd
cd "$scratch/checkout"
exec setpriv --reuid "$uid" --regid "$uid" --clear-groups --no-new-privs env -i \
  HOME="$scratch/home" TMPDIR="$scratch/t" PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 USER=somebody \
  PEER_RELAY_DOWNLOADS=no PEER_RELAY_INSTALL=no "$@"
