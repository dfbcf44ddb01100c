# shellcheck shell=bash
# A Go toolchain, only where something has to be built.

GO_DIR=$BIN/go-$GO_VERSION

# Asked inside a module that needs the newest: an older Go gets that by itself where its GOTOOLCHAIN setting lets it.
go_fits() { at_least "$(first_version "$(cd "$REPO/scripts/tools/tailscale" && "$1" version 2>/dev/null)")" "$GO_MINIMUM"; }

setup_go() {
  if has go && go_fits go; then return 0; fi
  with_lock go go_download
  PATH=$GO_DIR/bin:$PATH
}

go_download() {
  local name outer=$STAGE
  [ ! -x "$GO_DIR/bin/go" ] || return 0
  name=go$GO_VERSION.$(os_name)-$(arch_name amd64 arm64).tar.gz
  stage_new go
  fetch "https://dl.google.com/go/$name" "$STAGE/$name" ||
    die "go: a build needs Go $GO_MINIMUM or newer; PATH has $(has go && go version || echo none), and its download is out of reach"
  verify "$STAGE/$name" "https://dl.google.com/go/$name.sha256"
  tar -xzf "$STAGE/$name" -C "$STAGE" --strip-components=1
  discard "$STAGE/$name" "$STAGE/$name".*
  go_fits "$STAGE/bin/go" || die "go: the vendor's $name does not run here"
  stage_commit "$GO_DIR"
  STAGE=$outer
}
