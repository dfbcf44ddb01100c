# shellcheck shell=bash
# Node, and this package's own dependencies.

NODE_DIR=$BIN/node-${NODE_VERSION%%.*}

node_version() { first_version "$("$1" --version 2>/dev/null)"; }
node_fits() { [ -x "$1" ] && at_least "$(node_version "$1")" "$NODE_MINIMUM"; }

setup_node() {
  if node_fits "$NODE_DIR/bin/node"; then
    say "node $(node_version "$NODE_DIR/bin/node"): there"
  elif has node && has npm && node_fits "$(command -v node)"; then
    stage_new node
    mkdir "$STAGE/bin"
    ln -s "$(command -v node)" "$STAGE/bin/node"
    stage_commit "$NODE_DIR"
    say "node $(node_version "$NODE_DIR/bin/node"): from PATH"
  else
    stage_new node
    node_download || node_from_npm
    stage_commit "$NODE_DIR"
    say "node $(node_version "$NODE_DIR/bin/node"): in $NODE_DIR"
  fi
}

# The vendor's archive brings npm along.
node_download() {
  local name
  name=node-v$NODE_VERSION-$(os_name)-$(arch_name x64 arm64).tar.gz
  fetch "https://nodejs.org/dist/v$NODE_VERSION/$name" "$STAGE/$name" || return 1
  verify "$STAGE/$name" "https://nodejs.org/dist/v$NODE_VERSION/SHASUMS256.txt"
  tar -xzf "$STAGE/$name" -C "$STAGE" --strip-components=1
  discard "$STAGE/$name" "$STAGE/$name".*
  node_fits "$STAGE/bin/node" || die "node: the vendor's $name does not run here"
}

# npm's package `node` fetches one of these with an install script; the platform's own package needs none.
node_from_npm() {
  local package
  has npm || die "node: PATH has no Node $NODE_MINIMUM or newer, its download is out of reach, and there is no npm to get it with"
  package=node-$(os_name)-$(arch_name x64 arm64)
  say "node: the vendor's download is out of reach; getting npm's $package@$NODE_VERSION"
  printf '{ "private": true }\n' >"$STAGE/package.json"
  with_progress "npm $package" "$STAGE/npm.log" last_line \
    npm install --prefix "$STAGE" --ignore-scripts --no-fund --no-audit --save-exact "$package@$NODE_VERSION" || {
    tail -n 15 "$STAGE/npm.log" >&2
    die "node: npm could not install $package@$NODE_VERSION"
  }
  discard "$STAGE/npm.log"
  mkdir -p "$STAGE/bin"
  ln -s "../node_modules/$package/bin/node" "$STAGE/bin/node"
  node_fits "$STAGE/bin/node" || die "node: npm's $package@$NODE_VERSION does not run here"
}

# --- npm ci -----------------------------------------------------------------------------------------------------------

npm_stamp() { cat "$REPO/package.json" "$REPO/package-lock.json" >"$CACHE/npm-stamp" && sha256_of "$CACHE/npm-stamp"; }

setup_npm() {
  local stamp=$REPO/node_modules/.peer-relay-stamp want
  PATH=$NODE_DIR/bin:$PATH
  mkdir -p "$CACHE"
  want=$(npm_stamp)
  if [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then
    say "npm packages: there"
  elif (cd "$REPO" && npm ls --all >/dev/null 2>&1); then
    # Installed by hand, and complete: taken as it is.
    printf '%s\n' "$want" >"$stamp"
    say "npm packages: there, as the lock file wants them"
  else
    say "npm packages: npm ci"
    # No package of ours needs its install script; Pulumi's would try to download plugins.
    with_progress "npm ci" "$CACHE/npm.log" last_line npm --prefix "$REPO" ci --ignore-scripts --no-fund --no-audit || {
      tail -n 15 "$CACHE/npm.log" >&2
      die "npm packages: npm ci failed"
    }
    printf '%s\n' "$want" >"$stamp"
    say "npm packages: installed"
  fi
}
