package cluster

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubevirtv1 "kubevirt.io/api/core/v1"
)

func TestAVMIEnteredItsPhaseWhenItLastDid(t *testing.T) {
	noon := time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)
	entered := func(phase kubevirtv1.VirtualMachineInstancePhase, after time.Duration) kubevirtv1.VirtualMachineInstancePhaseTransitionTimestamp {
		return kubevirtv1.VirtualMachineInstancePhaseTransitionTimestamp{Phase: phase, PhaseTransitionTimestamp: metav1.NewTime(noon.Add(after))}
	}
	for name, c := range map[string]struct {
		transitions []kubevirtv1.VirtualMachineInstancePhaseTransitionTimestamp
		want        time.Time
	}{
		"one that does not say":           {nil, time.Time{}},
		"another phase does not count":    {[]kubevirtv1.VirtualMachineInstancePhaseTransitionTimestamp{entered(kubevirtv1.Failed, 0)}, time.Time{}},
		"of several times it is the last": {[]kubevirtv1.VirtualMachineInstancePhaseTransitionTimestamp{entered(kubevirtv1.Pending, time.Hour), entered(kubevirtv1.Failed, 2*time.Hour), entered(kubevirtv1.Pending, 0)}, noon.Add(time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			vmi := &kubevirtv1.VirtualMachineInstance{Status: kubevirtv1.VirtualMachineInstanceStatus{Phase: kubevirtv1.Pending, PhaseTransitionTimestamps: c.transitions}}
			if got := PhaseBegan(vmi); !got.Equal(c.want) {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestAVMIThatIsGoingHasTenMinutesAndItsGracePeriod(t *testing.T) {
	seconds := func(n int64) *int64 { return &n }
	for name, c := range map[string]struct {
		grace *int64
		want  time.Duration
	}{
		"without a grace period":       {nil, 10 * time.Minute},
		"a shorter one does not count": {seconds(30), 10 * time.Minute},
		"a longer one does":            {seconds(3600), time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			vmi := &kubevirtv1.VirtualMachineInstance{Spec: kubevirtv1.VirtualMachineInstanceSpec{TerminationGracePeriodSeconds: c.grace}}
			if got := PatienceWithDeletion(vmi); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
