package checks

import (
	kubevirtv1 "kubevirt.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/drain"
)

// drainRules are a Pass, and what the drain of its node does to a running VM.
type drainRules struct {
	*Pass
	fates drain.Fates
}

func newDrainRules(p *Pass) drainRules { return drainRules{p, drain.NewFates(p.Snapshot, p.Target())} }

// isKnownPhase tells whether KubeVirt has such a phase of a VMI.
func isKnownPhase(phase kubevirtv1.VirtualMachineInstancePhase) bool {
	switch phase {
	case kubevirtv1.Pending, kubevirtv1.Scheduling, kubevirtv1.Scheduled, kubevirtv1.Running, kubevirtv1.Succeeded, kubevirtv1.Failed,
		kubevirtv1.Unknown, kubevirtv1.WaitingForSync:
		return true
	}
	return false
}
