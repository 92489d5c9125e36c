package gate_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	kubevirtv1 "kubevirt.io/api/core/v1"

	corev1 "k8s.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
	"github.com/upgrade-gate/upgrade-gate/drain"
	"github.com/upgrade-gate/upgrade-gate/gate"
	"github.com/upgrade-gate/upgrade-gate/policy"
)

// BenchmarkAdvance measures a refusal from a watch cache in which nothing changes, with a plan that is kept and with one that is simulated
// for it. cpu-ms is what it takes of a core; unlike the time, that is about the same on a machine that has other work.
func BenchmarkAdvance(b *testing.B) {
	for _, size := range clustertest.Sizes() {
		generated := clustertest.Generate(size)
		for _, object := range generated.Objects() {
			if vmi, ok := object.(*kubevirtv1.VirtualMachineInstance); ok {
				vmi.Status.Conditions = append(vmi.Status.Conditions, kubevirtv1.VirtualMachineInstanceCondition{
					Type: kubevirtv1.VirtualMachineInstancePaused, Status: corev1.ConditionTrue, Reason: "PausedByUser"})
				break
			}
		}
		for name, plans := range map[string]*drain.Plans{"kept": drain.NewPlans(), "anew": nil} {
			b.Run(fmt.Sprintf("%s/%s", name, size.Name), func(b *testing.B) {
				g := &gate.Gate{Checks: checks.All(), Memory: gate.NewMemory(), Plans: plans, Now: clustertest.Now}
				source, rules := cluster.Remembering(generated), policy.Default()
				refuse := func() {
					if _, refused := g.Advance(context.Background(), source, upgrade(), rules); !refused {
						b.Fatal("not refused")
					}
				}
				refuse()
				begun := cpuTime(b)
				for b.Loop() {
					refuse()
				}
				b.ReportMetric(float64(cpuTime(b)-begun)/float64(time.Millisecond)/float64(b.N), "cpu-ms")
			})
		}
	}
}

// cpuTime returns what this process has taken of all cores.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
