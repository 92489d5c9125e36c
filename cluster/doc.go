// Package cluster reads a Harvester cluster into one immutable, typed and indexed Snapshot.
//
// Read it in this order: kinds.go (the one table of what is read), source.go (how a Snapshot is loaded, the same way
// from every source), snapshot.go (what it holds), and then the vocabulary that checks are written in: nodes.go,
// virtualmachines.go, volumes.go, harvester.go. The sources are live.go, cache.go and folder.go. What is
// probed and not listed stands in kubelet.go and certificates.go, what an operator has to grant in secrets.go.
//
// The package knows what a cluster looks like and nothing about what is healthy: that is package checks.
package cluster
