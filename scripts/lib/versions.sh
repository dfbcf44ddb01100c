# shellcheck shell=bash disable=SC2034
# The versions of all outside tools, in one place. The Go modules under scripts/tools/, and a test's own, pin the same ones.

PULUMI_VERSION=3.259.0
# Used only where Pulumi is built from the module registry: the newest language host that is still an ordinary
# package of a fetchable module. It serves this engine and this SDK.
PULUMI_NODEJS_VERSION=3.68.0
MOTO_VERSION=5.2.5
TAILSCALE_VERSION=1.102.3
HEADSCALE_VERSION=0.29.0
# The one that both are built with.
HUJSON_VERSION=0.0.0-20260302212456-ecc657c15afd

# The Pulumi SDK asks for Node 22. This one is fetched where PATH has an older one.
NODE_MINIMUM=22.0.0
NODE_VERSION=22.23.3
# tailscale.com's own go directive.
GO_MINIMUM=1.26.6
GO_VERSION=1.26.8
PYTHON_MINIMUM=3.11
