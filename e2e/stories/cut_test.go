package stories_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/upgrade-gate/upgrade-gate/e2e/forward"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate/gatetest"
)

// Story 4.
func TestAVMPausedBehindACutWatchStillRefuses(t *testing.T) {
	cluster := gatetest.Start(t, healthy, gate.ClusterOptions{})
	forwarder, err := forward.Start(forward.Options{Backends: []string{cluster.Address()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := forwarder.Close(); err != nil {
			t.Error(err)
		}
	})
	account, err := cluster.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	through, err := cluster.Through(account, forwarder.Address())
	if err != nil {
		t.Fatal(err)
	}
	process := gatetest.Guard(t, cluster, gate.Options{Identity: through})
	watches := forwarder.Connections()
	if status, err := refusal(t.Context(), t, cluster); err != nil || status != nil {
		t.Fatalf("the healthy cluster is refused: %v %v", status, err)
	}
	// What the live read has opened closes soon: no connection that may have died meanwhile is used again.
	gatetest.Await(t, patience, func(context.Context) error {
		if open := forwarder.Connections(); open > watches {
			return fmt.Errorf("%d connections to the API server, want the %d of before the live read", open, watches)
		}
		return nil
	})

	forwarder.Strand()
	pause(t, cluster, vmi("shop", "db-1"))
	started := time.Now()
	refused := kubectl(t, cluster, "", "apply", "-f", manifest)
	t.Logf("refused after %s", time.Since(started).Round(time.Millisecond))

	if refused.code != 1 || !strings.Contains(refused.stderr, "paused-vms: VM shop/db-1 on node-1 is paused") {
		t.Errorf("kubectl ended with %d and wrote:\n%s", refused.code, refused.stderr)
	}
	lines := decisions(t, process)
	last := lines[len(lines)-1]
	// If the cache had known, it would have refused, and in the mutating phase.
	if phase, source := last.Text("phase"), last.Text("source"); phase != "validate" || source != "a live read of the API server" {
		t.Errorf("refused in the phase %s from %s, want validate and a live read", phase, source)
	}
	if events := awaitEvents(t, cluster, upgradeNamespace, 1); len(events["UpgradeRejected"]) != 1 {
		t.Errorf("events %v, want one UpgradeRejected", events)
	}
	t.Run("an API server that refuses our connections is named", func(t *testing.T) {
		if err := forwarder.Refuse(); err != nil {
			t.Fatal(err)
		}
		forwarder.Cut()
		started := time.Now()
		refused := kubectl(t, cluster, "", "apply", "-f", manifest)
		t.Logf("refused after %s", time.Since(started).Round(time.Millisecond))
		golden(t, "unreachable", strings.ReplaceAll(refused.stderr, forwarder.Address(), "HOST:PORT"))
	})
}
