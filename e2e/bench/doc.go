// Package bench measures the gate on a real API server that holds a generated cluster, of size M unless BENCH_SIZE says S or L: M has 16
// nodes, 500 virtual machines and 1,500 volumes. Its benchmarks start the control plane themselves; loading M takes about a minute.
package bench
