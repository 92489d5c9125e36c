// Package gate runs the product: the real upgrade-gate binary as a process of its own, with exactly the
// rights that deploy/ ships, registered with the two configurations that deploy/ ships, in front of a real
// API server that holds an example cluster.
//
// StartCluster brings up the cluster, Cluster.StartGate the gate, and Cluster.Stop ends everything.
package gate
