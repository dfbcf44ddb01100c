//go:build tools

// Package tools pins what scripts/setup builds here; it is never compiled itself.
package tools

import (
	_ "tailscale.com/cmd/derper"
	_ "tailscale.com/cmd/tailscale"
	_ "tailscale.com/cmd/tailscaled"
)
