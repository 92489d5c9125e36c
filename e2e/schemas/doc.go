// Package schemas turns what a real API server says of its kinds into JSON schemas for kubeconform, and finds the CRDs of the products that
// the chart's optional objects belong to.
package schemas
