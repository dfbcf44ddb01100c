# shellcheck shell=bash
# Tailscale's own HuJSON parser, which the policy tests ask for a second opinion. Nothing but tests needs it, so a
# machine where it cannot be built goes without: those tests then say so, and fail with CI=true.

# With the source in its name, so that another program is built when that changes.
HUJSON_DIR=$BIN/hujson-$HUJSON_VERSION-$(sha256_of "$REPO/test/unit/policy/hujson/main.go" | cut -c1-12)

setup_hujson() {
  if [ -x "$HUJSON_DIR/peer-relay-hujson" ]; then
    say "hujson $HUJSON_VERSION: there"
    return 0
  fi
  stage_new hujson
  # In a shell of its own, which a failure ends.
  if (trap on_exit EXIT && hujson_build); then
    stage_commit "$HUJSON_DIR"
    say "hujson $HUJSON_VERSION: built"
  else
    stage_drop
    say "hujson: not there; without it the policy tests compare with no parser of Tailscale's."
  fi
}

hujson_build() {
  setup_go
  go_build hujson "-s -w" .
  mv "$STAGE/hujson" "$STAGE/peer-relay-hujson"
  STAGE= # it stays for the shell that asked for it
}
