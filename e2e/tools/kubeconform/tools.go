//go:build tools

// Package tools pins kubeconform, which validates manifests against JSON schemas.
package tools

import _ "github.com/yannh/kubeconform/cmd/kubeconform"
