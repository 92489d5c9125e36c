package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/load"
)

const (
	// settling is how long a gate that has just become ready may go on collecting what filling its cache has left behind.
	settling = 75 * time.Second
	// watched is how long the idle gate's CPU time is counted.
	watched = 3 * time.Minute
	// heartbeat is how often a kubelet renews its node's lease, and statusReport how often it writes a status in which nothing has changed.
	heartbeat    = 10 * time.Second
	statusReport = 5 * time.Minute
	// tick is the unit of the CPU times in /proc/PID/stat.
	tick = 10 * time.Millisecond
)

// BenchmarkIdleCPU reports what the gate takes of a core, in thousandths, while nobody asks it anything: still, where no object changes
// at all, and beating, where kubelets renew leases and report their nodes' statuses as they do in a cluster in which nothing happens. It
// starts a gate of its own.
func BenchmarkIdleCPU(b *testing.B) {
	needCluster(b)
	process := startAnother(b)
	pause(b.Context(), settling)
	b.Run("still/"+loaded.size.Name, func(b *testing.B) { reportCPU(b, process) })
	b.Run("beating/"+loaded.size.Name, func(b *testing.B) {
		ctx, stop := context.WithCancel(b.Context())
		beating := make(chan error, 1)
		go func() { beating <- beat(ctx) }()
		reportCPU(b, process)
		stop()
		if err := <-beating; err != nil {
			b.Error(err)
		}
	})
}

// reportCPU counts the process's CPU time for a while.
func reportCPU(b *testing.B, process *gate.Process) {
	b.Helper()
	for b.Loop() { // it is measured once, below
	}
	b.ReportMetric(0, "ns/op")
	before, err := cpuTime(process.ID())
	if err != nil {
		b.Fatal(err)
	}
	begun := time.Now()
	pause(b.Context(), watched)
	after, err := cpuTime(process.ID())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(1000*float64(after-before)/float64(time.Since(begun)), "millicores")
}

// cpuTime returns the CPU time that a process has taken so far, in its own code and in the kernel's.
func cpuTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("measuring the gate's CPU time: %w", err)
	}
	// The program's name, which may hold anything, ends at the last parenthesis; the state is the third field.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("measuring the gate's CPU time: /proc/%d/stat has %d fields after the name", pid, len(fields))
	}
	user, errUser := strconv.ParseInt(fields[11], 10, 64)
	system, errSystem := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick, errors.Join(errUser, errSystem)
}

// beat does what the kubelets do while nothing happens, until ctx ends: each node's lease is renewed every ten seconds, and its status is
// written every five minutes with the time of the heartbeat, one node after the other.
func beat(ctx context.Context) error {
	turn := time.NewTicker(heartbeat)
	defer turn.Stop()
	done := 0.0
	for {
		for _, node := range loaded.nodes {
			if err := renew(ctx, node.Name); err != nil && ctx.Err() == nil {
				return err
			}
		}
		for done += float64(len(loaded.nodes)) * heartbeat.Seconds() / statusReport.Seconds(); done >= 1; done-- {
			node := loaded.nodes[0]
			loaded.nodes = append(loaded.nodes[1:], node)
			if err := reportStatus(ctx, node); err != nil && ctx.Err() == nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-turn.C:
		}
	}
}

func renew(ctx context.Context, node string) error {
	lease := load.Reference{Kind: schema.GroupVersionKind{Group: "coordination.k8s.io", Version: "v1", Kind: "Lease"}, Namespace: corev1.NamespaceNodeLease, Name: node}
	return loaded.loader.Patch(ctx, lease, map[string]any{"spec": map[string]any{"renewTime": time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")}})
}

func reportStatus(ctx context.Context, node *corev1.Node) error {
	var conditions []any
	for _, condition := range node.Status.Conditions {
		conditions = append(conditions, map[string]any{
			"type": string(condition.Type), "status": string(condition.Status), "reason": condition.Reason, "message": condition.Message,
			"lastHeartbeatTime": time.Now().UTC().Format(time.RFC3339), "lastTransitionTime": condition.LastTransitionTime.UTC().Format(time.RFC3339),
		})
	}
	return loaded.loader.Patch(ctx, load.Reference{Kind: corev1.SchemeGroupVersion.WithKind("Node"), Name: node.Name}, map[string]any{"status": map[string]any{"conditions": conditions}})
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
