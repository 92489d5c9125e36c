//go:build tools

// Package tools pins controller-gen and the upstream types that the end-to-end tests' CRDs are generated from.
package tools

import (
	_ "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	_ "kubevirt.io/api/core/v1"
	_ "sigs.k8s.io/controller-tools/cmd/controller-gen"
)
