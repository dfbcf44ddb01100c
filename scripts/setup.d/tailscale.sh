# shellcheck shell=bash
# tailscale, tailscaled and derper (all of one version, in one directory), and headscale.

TAILSCALE_DIR=$BIN/tailscale-$TAILSCALE_VERSION
HEADSCALE_DIR=$BIN/headscale-$HEADSCALE_VERSION

# tailscale_fits PROGRAM FLAG: the exact version; the lab's expectations are measured with it.
tailscale_fits() { [ -x "$1" ] && [ "$(first_version "$("$1" "$2" 2>/dev/null)")" = "$TAILSCALE_VERSION" ]; }

# stage_into DIR FILE...: finished programs join others in DIR, each by a rename.
stage_into() {
  local dir=$1 file
  shift
  mkdir -p "$dir"
  for file in "$@"; do mv -f "$STAGE/$file" "$dir/$file"; done
  stage_drop
}

setup_tailscale() {
  if tailscale_fits "$TAILSCALE_DIR/tailscale" version && tailscale_fits "$TAILSCALE_DIR/tailscaled" -version; then
    say "tailscale $TAILSCALE_VERSION: there"
    return 0
  fi
  stage_new tailscale
  if has tailscale && has tailscaled &&
    tailscale_fits "$(command -v tailscale)" version && tailscale_fits "$(command -v tailscaled)" -version; then
    ln -s "$(command -v tailscale)" "$(command -v tailscaled)" "$STAGE/"
    say "tailscale $TAILSCALE_VERSION: from PATH"
  elif tailscale_download; then
    say "tailscale $TAILSCALE_VERSION: the vendor's, in $TAILSCALE_DIR"
  else
    say "tailscale: the vendor's download is out of reach; building from the Go module registry"
    setup_go
    go_build tailscale "$(tailscale_flags)" tailscale.com/cmd/tailscale tailscale.com/cmd/tailscaled
    say "tailscale $TAILSCALE_VERSION: built"
  fi
  stage_into "$TAILSCALE_DIR" tailscale tailscaled
}

# The version as the vendor's builds state it; without this a build from the registry says "ERR-BuildInfo".
tailscale_flags() {
  local version=tailscale.com/version
  echo "-s -w -X $version.shortStamp=$TAILSCALE_VERSION -X $version.longStamp=$TAILSCALE_VERSION"
}

tailscale_download() {
  local name
  [ "$(os_name)" = linux ] || return 1
  name=tailscale_${TAILSCALE_VERSION}_$(arch_name amd64 arm64).tgz
  fetch "https://pkgs.tailscale.com/stable/$name" "$STAGE/$name" || return 1
  verify "$STAGE/$name" "https://pkgs.tailscale.com/stable/$name.sha256"
  tar -xzf "$STAGE/$name" -C "$STAGE" --strip-components=1
  tailscale_fits "$STAGE/tailscale" version || die "tailscale: the vendor's $name does not run here"
}

# The vendor does not offer derper as a download.
setup_derper() {
  if tailscale_fits "$TAILSCALE_DIR/derper" -version; then
    say "derper $TAILSCALE_VERSION: there"
    return 0
  fi
  stage_new derper
  if has derper && tailscale_fits "$(command -v derper)" -version; then
    ln -s "$(command -v derper)" "$STAGE/derper"
    say "derper $TAILSCALE_VERSION: from PATH"
  else
    setup_go
    go_build tailscale "$(tailscale_flags)" tailscale.com/cmd/derper
    say "derper $TAILSCALE_VERSION: built"
  fi
  stage_into "$TAILSCALE_DIR" derper
}

headscale_fits() { [ -x "$1" ] && [ "$(first_version "$("$1" version 2>/dev/null)")" = "$HEADSCALE_VERSION" ]; }

setup_headscale() {
  if headscale_fits "$HEADSCALE_DIR/headscale"; then
    say "headscale $HEADSCALE_VERSION: there"
    return 0
  fi
  stage_new headscale
  if has headscale && headscale_fits "$(command -v headscale)"; then
    ln -s "$(command -v headscale)" "$STAGE/headscale"
    say "headscale $HEADSCALE_VERSION: from PATH"
  elif headscale_download; then
    say "headscale $HEADSCALE_VERSION: the project's release, in $HEADSCALE_DIR"
  else
    say "headscale: the project's release is out of reach; building from the Go module registry"
    setup_go
    go_build headscale "-s -w" github.com/juanfont/headscale/cmd/headscale
    headscale_fits "$STAGE/headscale" || die "headscale: what was built does not run"
    say "headscale $HEADSCALE_VERSION: built"
  fi
  stage_into "$HEADSCALE_DIR" headscale
}

headscale_download() {
  local name release=https://github.com/juanfont/headscale/releases/download/v$HEADSCALE_VERSION
  name=headscale_${HEADSCALE_VERSION}_$(os_name)_$(arch_name amd64 arm64)
  fetch "$release/$name" "$STAGE/$name" || return 1
  verify "$STAGE/$name" "$release/checksums.txt"
  chmod +x "$STAGE/$name"
  headscale_fits "$STAGE/$name" || die "headscale: the release's $name does not run here"
  mv "$STAGE/$name" "$STAGE/headscale"
}
