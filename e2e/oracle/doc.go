// Package oracle holds the simulation of package drain to the real thing. The real kube-scheduler binds the pods of
// generated clusters, and the real API server with the real disruption controller refuses evictions in generated
// namespaces; the simulation must have said the same of each. The nodes are kwok's.
//
// Everything is generated from numbers: a failure names the number of its cluster, and
//
//	ORACLE_ONLY=17 go test ./oracle -run Scheduler
//
// runs that cluster alone. ORACLE_FROM=1000 takes other numbers than CI does.
package oracle
