//go:build tools

// Package tools pins Helm, with which the chart is rendered, installed, upgraded and removed.
package tools

import _ "helm.sh/helm/v3/cmd/helm"
