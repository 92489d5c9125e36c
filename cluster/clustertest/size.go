// Package clustertest makes healthy clusters of any size, for benchmarks and load tests. The same size gives the same
// cluster, byte for byte.
package clustertest

// Size says how large a generated cluster is. Every volume has three replicas and one engine; volumes that no virtual
// machine uses are attached all the same.
type Size struct {
	Name            string
	Nodes           int
	VirtualMachines int
	Volumes         int
}

// Small is a cluster of three nodes.
func Small() Size { return Size{Name: "S", Nodes: 3, VirtualMachines: 50, Volumes: 150} }

// Medium is a cluster of sixteen nodes.
func Medium() Size { return Size{Name: "M", Nodes: 16, VirtualMachines: 500, Volumes: 1500} }

// Large is a cluster of sixty-four nodes, with 45,000 replicas.
func Large() Size { return Size{Name: "L", Nodes: 64, VirtualMachines: 5000, Volumes: 15000} }

// Sizes returns the three sizes that benchmarks run on.
func Sizes() []Size { return []Size{Small(), Medium(), Large()} }
