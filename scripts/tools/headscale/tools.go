//go:build tools

// Package tools pins what scripts/setup builds here; it is never compiled itself.
package tools

import _ "github.com/juanfont/headscale/cmd/headscale"
