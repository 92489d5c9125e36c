//go:build tools

// Package tools pins the Prometheus operator, whose module holds the CRDs of PodMonitor and PrometheusRule.
package tools

import _ "github.com/prometheus-operator/prometheus-operator/pkg/versionutil"
