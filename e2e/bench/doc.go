// Package bench measures the gate on a real API server that holds a cluster of size M: 16 nodes, 500 virtual machines,
// 1,500 volumes. Its benchmarks start the control plane themselves; loading takes about a minute.
package bench
