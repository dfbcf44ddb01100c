# shellcheck shell=bash
# The Pulumi CLI and its Node.js language host. A vendor's archive brings a host that matches; from the registry only
# an older one can be built, and that serves too.

PULUMI_DIR=$BIN/pulumi-$PULUMI_VERSION
# The place of the host, whichever way it came.
PULUMI_HOST_DIR=$BIN/pulumi-language-nodejs-$PULUMI_NODEJS_VERSION

# It logs in its home, also this; the user's own is left alone.
pulumi_version() { first_version "$(PULUMI_HOME=$CACHE/pulumi-home "$1" version 2>/dev/null)"; }
pulumi_fits() {
  local version
  [ -x "$1" ] || return 1
  version=$(pulumi_version "$1")
  same_major "$version" "$PULUMI_VERSION" && at_least "$version" "$PULUMI_VERSION"
}

setup_pulumi() {
  if pulumi_fits "$PULUMI_DIR/pulumi" && [ -x "$PULUMI_HOST_DIR/pulumi-language-nodejs" ]; then
    say "pulumi $(pulumi_version "$PULUMI_DIR/pulumi"): there"
  elif has pulumi && has pulumi-language-nodejs && pulumi_fits "$(command -v pulumi)"; then
    pulumi_from_path
  elif pulumi_download; then
    say "pulumi $PULUMI_VERSION: the vendor's, in $PULUMI_DIR"
  else
    say "pulumi: the vendor's download is out of reach; building from the Go module registry"
    pulumi_build
  fi
}

pulumi_from_path() {
  stage_new pulumi
  ln -s "$(command -v pulumi)" "$STAGE/pulumi"
  stage_commit "$PULUMI_DIR"
  pulumi_host_is "$(command -v pulumi-language-nodejs)"
  say "pulumi $(pulumi_version "$PULUMI_DIR/pulumi"): from PATH"
}

pulumi_download() {
  local name
  name=pulumi-v$PULUMI_VERSION-$(os_name)-$(arch_name x64 arm64).tar.gz
  stage_new pulumi
  fetch "https://get.pulumi.com/releases/sdk/$name" "$STAGE/$name" || {
    stage_drop
    return 1
  }
  verify "$STAGE/$name" "https://github.com/pulumi/pulumi/releases/download/v$PULUMI_VERSION/pulumi-$PULUMI_VERSION-checksums.txt"
  tar -xzf "$STAGE/$name" -C "$STAGE" --strip-components=1
  discard "$STAGE/$name" "$STAGE/$name".*
  pulumi_fits "$STAGE/pulumi" || die "pulumi: the vendor's $name does not run here"
  stage_commit "$PULUMI_DIR"
  pulumi_host_is "$PULUMI_DIR/pulumi-language-nodejs"
}

pulumi_host_is() {
  stage_new pulumi-language-nodejs
  ln -s "$1" "$STAGE/pulumi-language-nodejs"
  stage_commit "$PULUMI_HOST_DIR"
}

pulumi_build() {
  local version=github.com/pulumi/pulumi/sdk/v3/go/common/version.Version
  setup_go
  if [ ! -x "$PULUMI_HOST_DIR/pulumi-language-nodejs" ]; then
    stage_new pulumi-language-nodejs
    go_build pulumi-language-nodejs "-s -w -X $version=v$PULUMI_NODEJS_VERSION" \
      github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs
    dynamic_provider_script >"$STAGE/pulumi-resource-pulumi-nodejs"
    chmod +x "$STAGE/pulumi-resource-pulumi-nodejs"
    stage_commit "$PULUMI_HOST_DIR"
    say "pulumi-language-nodejs $PULUMI_NODEJS_VERSION: built"
  fi
  if ! pulumi_fits "$PULUMI_DIR/pulumi"; then
    stage_new pulumi
    go_build pulumi "-s -w -X $version=v$PULUMI_VERSION" github.com/pulumi/pulumi/pkg/v3/cmd/pulumi
    # Beside the CLI, as in the vendor's archive: the engine warns of a host that it finds elsewhere.
    ln -s "../${PULUMI_HOST_DIR##*/}/pulumi-language-nodejs" "../${PULUMI_HOST_DIR##*/}/pulumi-resource-pulumi-nodejs" "$STAGE/"
    pulumi_fits "$STAGE/pulumi" || die "pulumi: what was built does not run"
    stage_commit "$PULUMI_DIR"
    say "pulumi $PULUMI_VERSION: built"
  fi
}

# Dynamic resources run in a provider that the engine looks for under this name; the vendor's archive has it too.
dynamic_provider_script() {
  cat <<'SCRIPT'
#!/bin/sh
exec node "$(node -p 'require.resolve("@pulumi/pulumi/cmd/dynamic-provider")')" "$@"
SCRIPT
}
