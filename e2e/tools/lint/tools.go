//go:build tools

// Package lint pins the linter.
package lint

import _ "honnef.co/go/tools/cmd/staticcheck"
