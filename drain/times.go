package drain

import (
	"time"

	kubevirtv1 "kubevirt.io/api/core/v1"
)

// How long what is the same for every node takes: the drain itself, RKE2, the operating system's image and the reboot. They are what
// people report, not promises.
const (
	nodeLow, nodeHigh       = 10 * time.Minute, 40 * time.Minute
	witnessLow, witnessHigh = 5 * time.Minute, 20 * time.Minute
	// moveFixed is how long starting a launcher elsewhere takes, and moveGiB how long a GiB of memory over 10 Gb/s.
	moveFixed = 20 * time.Second
	moveGiB   = time.Second
)

// estimate says how long the node takes: at least what its migrations take over a good network, at most what KubeVirt lets them take
// before it gives up.
func (m *model) estimate() {
	low, high := nodeLow, nodeHigh
	if m.plan.Witness {
		low, high = witnessLow, witnessHigh
	}
	slots := time.Duration(m.slots)
	starts := time.Duration(len(m.plan.Moves)) * moveFixed / slots
	low += starts + time.Duration(m.moving)*moveGiB/slots
	high += starts + time.Duration(m.moving*m.secondsPerGiB)*time.Second/slots
	m.plan.Time = Range{low.Round(time.Minute), high.Round(time.Minute)}
}

// memoryGiB returns a guest's memory in GiB, at least one.
func memoryGiB(vmi *kubevirtv1.VirtualMachineInstance) int64 {
	if memory := vmi.Spec.Domain.Memory; memory != nil && memory.Guest != nil {
		return max(memory.Guest.Value()>>30, 1)
	}
	return max(vmi.Spec.Domain.Resources.Requests.Memory().Value()>>30, 1)
}
