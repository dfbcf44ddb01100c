/**
 * Installation of tailscale at the pinned version, and of the SSM agent.
 *
 * Repository layout and file names follow Tailscale's own install.sh (1.102.3). The pin holds: apt by `apt-mark hold`,
 * dnf by a repository that is disabled except for our own run, tarballs because nothing updates them.
 */
export const scriptInstall = String.raw`
# --- install ---------------------------------------------------------------------------------------------------------
at_version() { # BINARY ARGUMENT: is it the pinned version? A build from source appends "-something".
  [ "$("$1" "$2" 2>/dev/null | sed -n '1{s/-.*//;p;}')" = "$PEER_RELAY_TAILSCALE_VERSION" ]
}

install_id() {
  if [ -n "$PEER_RELAY_TARBALL_URL" ]; then
    echo "tarball $PEER_RELAY_TAILSCALE_VERSION $PEER_RELAY_TARBALL_SHA256"
  else
    echo "packages $PEER_RELAY_TAILSCALE_VERSION"
  fi
}

is_installed() {
  at_version /usr/bin/tailscale version && at_version /usr/sbin/tailscaled --version &&
    systemctl cat tailscaled.service >/dev/null 2>&1 &&
    [ "$(cat "$state/installed" 2>/dev/null)" = "$(install_id)" ]
}

install_tailscale() {
  if is_installed; then
    say "install: tailscale $PEER_RELAY_TAILSCALE_VERSION is here"
    return 0
  fi
  if [ -n "$PEER_RELAY_TARBALL_URL" ]; then
    install_tarball
  else
    case "$(os_release ID) $(os_release VERSION_ID)" in
      debian* | ubuntu*) install_apt ;;
      "amzn 2023"*) install_dnf ;;
      *) fail "install: no packages for $(os_release PRETTY_NAME): Debian, Ubuntu or Amazon Linux 2023, or a tarball" ;;
    esac
  fi
  put "$state/installed" "$(install_id)"
  say "install: tailscale $PEER_RELAY_TAILSCALE_VERSION installed"
}

# apt-get waits for dpkg's locks by itself, but not for those of its lists and downloads (measured with apt 2.6), which
# apt-daily holds on a first boot. One that stays held is for apt-get to say.
apt_get() {
  quietly timeout "$lock_timeout" python3 -c 'import fcntl, sys
for path in sys.argv[1:]: fcntl.lockf(open(path, "a"), fcntl.LOCK_EX)' /var/lib/apt/lists/lock /var/cache/apt/archives/lock || :
  apt-get -q -y -o "DPkg::Lock::Timeout=$lock_timeout" "$@"
}

install_apt() {
  base=$PEER_RELAY_PACKAGES_URL/$(os_release ID)
  codename=$(os_release VERSION_CODENAME)
  keyring=/usr/share/keyrings/tailscale-archive-keyring.gpg
  list=/etc/apt/sources.list.d/tailscale.list
  say "install: tailscale $PEER_RELAY_TAILSCALE_VERSION from $(without_secrets "$base") ($codename)"
  mkdir -p /usr/share/keyrings
  retry 4 download "$base/$codename.noarmor.gpg" "$keyring" ||
    fail "install: cannot fetch Tailscale's signing key: $why$(full_disk)"
  put "$list" "deb [signed-by=$keyring] $base $codename main"
  # The vendor's list alone must load without any error; the system's own lists may have their troubles.
  retry 4 apt_get update -o "Dir::Etc::SourceList=$list" -o Dir::Etc::SourceParts=- -o APT::Get::List-Cleanup=0 \
    -o APT::Update::Error-Mode=any || fail "install: apt-get update: $why$(full_disk)"
  quietly apt_get update -o Acquire::Retries=0 || :
  retry 3 apt_get install --no-install-recommends --allow-downgrades --allow-change-held-packages \
    -o Dpkg::Options::=--force-confold "tailscale=$PEER_RELAY_TAILSCALE_VERSION" ||
    fail "install: apt-get install tailscale: $why$(full_disk)"
  quietly apt-mark hold tailscale || fail "install: apt-mark hold: $why"
}

install_dnf() {
  base=$PEER_RELAY_PACKAGES_URL/amazon-linux/2023
  repo=/etc/yum.repos.d/tailscale.repo
  say "install: tailscale $PEER_RELAY_TAILSCALE_VERSION from $(without_secrets "$base")"
  retry 4 download "$base/tailscale.repo" "$repo" || fail "install: cannot fetch $(without_secrets "$base")/tailscale.repo: $why"
  sed -i "s|https://pkgs.tailscale.com/stable|$PEER_RELAY_PACKAGES_URL|; s/^enabled *=.*/enabled=0/" "$repo"
  retry 4 timeout "$((lock_timeout + 300))" dnf -q -y --enablerepo=tailscale-stable install \
    "tailscale-$PEER_RELAY_TAILSCALE_VERSION" || fail "install: dnf install tailscale: $why$(full_disk)"
}

install_tarball() {
  work=$state/install url=$(without_secrets "$PEER_RELAY_TARBALL_URL")
  say "install: tailscale $PEER_RELAY_TAILSCALE_VERSION from $url"
  rm -rf "$work" && mkdir -p "$work"
  retry 4 download "$PEER_RELAY_TARBALL_URL" "$work/tailscale.tgz" ||
    fail "install: cannot download $url: $why$(full_disk)"
  sum=$(sha256sum "$work/tailscale.tgz" | cut -d ' ' -f 1)
  [ "$sum" = "$PEER_RELAY_TARBALL_SHA256" ] ||
    fail "install: checksum of $url is $sum, expected $PEER_RELAY_TARBALL_SHA256; nothing was installed"
  quietly tar -xzf "$work/tailscale.tgz" -C "$work" --strip-components=1 --no-same-owner ||
    fail "install: cannot unpack $url: $why$(full_disk)"
  { at_version "$work/tailscale" version && at_version "$work/tailscaled" --version; } ||
    fail "install: $url holds no tailscale $PEER_RELAY_TAILSCALE_VERSION that runs on $(uname -m)"
  # Both are written beside their place before either is renamed: a full disk leaves what was there.
  quietly install -m 0755 "$work/tailscale" /usr/bin/tailscale.peer-relay-new ||
    fail "install: cannot write the binaries: $why$(full_disk)"
  quietly install -m 0755 "$work/tailscaled" /usr/sbin/tailscaled.peer-relay-new ||
    fail "install: cannot write the binaries: $why$(full_disk)"
  mv -f /usr/bin/tailscale.peer-relay-new /usr/bin/tailscale
  mv -f /usr/sbin/tailscaled.peer-relay-new /usr/sbin/tailscaled
  [ -e /etc/default/tailscaled ] || install -m 0644 "$work/systemd/tailscaled.defaults" /etc/default/tailscaled
  install -m 0644 "$work/systemd/tailscaled.service" /etc/systemd/system/tailscaled.service
  rm -rf "$work"
  systemctl daemon-reload
}

# The way in when all else fails, so it comes first; but a relay without it is still a relay.
install_ssm_agent() {
  for unit in amazon-ssm-agent.service snap.amazon-ssm-agent.amazon-ssm-agent.service; do
    if systemctl cat "$unit" >/dev/null 2>&1; then
      quietly systemctl enable --now "$unit" && say "ssm: agent runs"
      return
    fi
  done
  say "ssm: installing the agent"
  case "$(os_release ID)" in
    debian)
      quietly "$lib/aws" ssm-agent || return 1
      deb=$why/latest/debian_$(dpkg --print-architecture)/amazon-ssm-agent.deb
      mkdir -p "$state/install"
      retry 3 download "$deb" "$state/install/amazon-ssm-agent.deb" &&
        retry 3 apt_get install "$state/install/amazon-ssm-agent.deb" || return 1
      rm -rf "$state/install"
      ;;
    ubuntu) retry 3 snap install amazon-ssm-agent --classic || return 1 ;;
    amzn) retry 3 timeout "$((lock_timeout + 300))" dnf -q -y install amazon-ssm-agent || return 1 ;;
    *)
      why="no agent package for $(os_release PRETTY_NAME)"
      return 1
      ;;
  esac
  quietly systemctl enable --now amazon-ssm-agent || quietly systemctl enable --now snap.amazon-ssm-agent.amazon-ssm-agent
}
`;
