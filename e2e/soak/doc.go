// Package soak lets the gate live for long in a cluster that changes all the time. The test is told for how long by
// UPGRADE_GATE_SOAK, such as 1h; it is five minutes otherwise.
package soak
