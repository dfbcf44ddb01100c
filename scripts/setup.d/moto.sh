# shellcheck shell=bash
# moto, the AWS API of the lab, in a Python environment of its own.

MOTO_DIR=$CACHE/moto-$MOTO_VERSION
MOTO_PINS=$REPO/scripts/tools/moto/requirements.txt

# An environment cannot be moved, so it is made in place and marked when it is complete.
moto_stamp() { sha256_of "$MOTO_PINS"; }

moto_as_pinned() {
  [ -x "$MOTO_DIR/bin/python" ] &&
    [ "$("$MOTO_DIR/bin/python" -m pip freeze 2>/dev/null | sort -f)" = "$(grep -v '^#' "$MOTO_PINS" | sort -f)" ]
}

setup_moto() {
  local python
  if [ -x "$MOTO_DIR/bin/python" ] && [ "$(cat "$MOTO_DIR/.complete" 2>/dev/null)" = "$(moto_stamp)" ]; then
    say "moto $MOTO_VERSION: there"
    return 0
  fi
  if ! moto_as_pinned; then
    python=$(moto_python) || die "moto: needs Python $PYTHON_MINIMUM or newer with its venv module (Debian: python3-venv)"
    say "moto $MOTO_VERSION: a Python environment in $MOTO_DIR"
    discard "$MOTO_DIR"
    "$python" -m venv "$MOTO_DIR" || die "moto: $python -m venv failed"
    with_progress "moto: pip install" "$MOTO_DIR/pip.log" last_line \
      "$MOTO_DIR/bin/python" -m pip install --disable-pip-version-check --no-input --no-deps -r "$MOTO_PINS" || {
      tail -n 15 "$MOTO_DIR/pip.log" >&2
      die "moto: pip install failed"
    }
    "$MOTO_DIR/bin/python" -c 'import moto.server' || die "moto: what pip installed does not start"
  fi
  moto_stamp >"$MOTO_DIR/.complete"
  say "moto $MOTO_VERSION: ready"
}

moto_python() {
  local python
  for python in python3 /usr/bin/python3 python3.14 python3.13 python3.12 python3.11; do
    if python_fits "$python"; then
      echo "$python"
      return 0
    fi
  done
  # Debian keeps venv's own part in a package apart.
  if has python3 && has apt-get && [ "$(id -u)" = 0 ] && [ "${PEER_RELAY_INSTALL:-yes}" != no ]; then
    install_packages python3-venv
    if python_fits /usr/bin/python3; then
      echo /usr/bin/python3
      return 0
    fi
  fi
  return 1
}

python_fits() {
  has "$1" && at_least "$(first_version "$("$1" --version 2>&1)")" "$PYTHON_MINIMUM" &&
    "$1" -c 'import ensurepip, venv' 2>/dev/null
}
