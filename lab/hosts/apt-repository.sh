#!/bin/sh
# Builds a signed apt repository in the vendor's layout.
# usage: apt-repository.sh DIRECTORY PROGRAMS VERSION; PROGRAMS is laid out as the vendor's archive is
set -eu
dir=$1 programs=$2 version=$3 arch=$(dpkg --print-architecture) codename=bookworm
top=$dir/debian package=$dir/package
rm -rf "$top" "$package"
mkdir -p "$package/DEBIAN" "$package/usr/bin" "$package/usr/sbin" "$package/lib/systemd/system" "$package/etc/default"
cp "$programs/tailscale" "$package/usr/bin/"
cp "$programs/tailscaled" "$package/usr/sbin/"
cp "$programs/systemd/tailscaled.service" "$package/lib/systemd/system/"
cp "$programs/systemd/tailscaled.defaults" "$package/etc/default/tailscaled"
cat >"$package/DEBIAN/control" <<END
Package: tailscale
Version: $version
Architecture: $arch
Maintainer: Example <relay@example.com>
Depends: iptables
Description: stand-in for the vendor's package
END
echo /etc/default/tailscaled >"$package/DEBIAN/conffiles"
mkdir -p "$top/pool" "$top/dists/$codename/main/binary-$arch"
dpkg-deb --root-owner-group -Zgzip -z1 --build "$package" "$top/pool/tailscale_$version.deb" >/dev/null
cd "$top"
deb=pool/tailscale_$version.deb
{
  cat "$package/DEBIAN/control"
  echo "Filename: $deb"
  echo "Size: $(stat -c %s "$deb")"
  echo "SHA256: $(sha256sum "$deb" | cut -d ' ' -f 1)"
} >"dists/$codename/main/binary-$arch/Packages"
cd "dists/$codename"
index=main/binary-$arch/Packages
cat >Release <<END
Origin: Example
Suite: $codename
Codename: $codename
Architectures: $arch
Components: main
Date: $(date -Ru)
SHA256:
 $(sha256sum "$index" | cut -d ' ' -f 1) $(stat -c %s "$index") $index
END
GNUPGHOME=$dir/gnupg
export GNUPGHOME
mkdir -m 700 "$GNUPGHOME"
gpg --batch --quiet --passphrase '' --quick-generate-key 'Example <relay@example.com>' ed25519 sign never
gpg --batch --quiet --clearsign -o InRelease Release
gpg --batch --quiet --export >"$top/$codename.noarmor.gpg"
gpgconf --kill all
rm -rf "$package" "$GNUPGHOME"
