package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
)

// story is what the demo shows, command by command.
type story struct {
	ctx     context.Context
	cluster *gate.Cluster
	out     io.Writer
}

// tell returns an error if the story takes another turn than it should: the demo is also a test.
func (s *story) tell() error {
	manifest, err := gate.Example(filepath.Join("..", "upgrade-v1.4.2.yaml"))
	if err != nil {
		return err
	}
	s.say("The cluster is in the state of harvester/harvester#7679. Harvester lets this upgrade begin; it hangs in Pre-drained.")
	if refused, err := s.apply(manifest); err != nil || !refused {
		return fmt.Errorf("the upgrade of the stuck cluster was not refused: %w", err)
	}
	s.say("Every refusal is an event:")
	if err := s.event("UpgradeRejected"); err != nil {
		return err
	}
	s.say("Repairing the cluster, one finding after the other:")
	if err := s.repair(); err != nil {
		return err
	}
	s.say("The same upgrade again:")
	if refused, err := s.apply(manifest); err != nil || refused {
		return fmt.Errorf("the upgrade of the repaired cluster was not admitted: %w", err)
	}
	return s.event("UpgradeAdmitted")
}

func (s *story) say(text string) { fmt.Fprintf(s.out, "\n# %s\n", text) }

// apply runs kubectl apply, shows what it says, and tells whether the gate refused.
func (s *story) apply(manifest string) (refused bool, err error) {
	fmt.Fprintln(s.out, "$ kubectl apply -f examples/upgrade-v1.4.2.yaml")
	stdout, stderr, err := s.cluster.Kubectl(s.ctx, nil, "apply", "-f", manifest)
	// Where the demo runs is of no interest; the command above says examples/.
	stderr = strings.ReplaceAll(stderr, manifest, "examples/upgrade-v1.4.2.yaml")
	fmt.Fprint(s.out, stdout, stderr)
	if err == nil {
		return false, nil
	}
	if !strings.Contains(stderr, "denied the request") {
		return false, err
	}
	return true, nil
}

// event waits until the gate has written the event of its decision, which it does after the answer, and shows it.
func (s *story) event(reason string) error {
	const columns = "custom-columns=TYPE:.type,REASON:.reason,REGARDING:.regarding.name,RELATED:.related.name,NOTE:.note"
	args := []string{"get", "events.events.k8s.io", "-n", "harvester-system", "--field-selector=reason=" + reason, "-o", columns, "--no-headers"}
	var shown string
	err := gate.Await(s.ctx, 15*time.Second, func(ctx context.Context) error {
		stdout, stderr, err := s.cluster.Kubectl(ctx, nil, args...)
		if err != nil {
			return err
		}
		if shown = strings.TrimSpace(stdout); shown == "" {
			return fmt.Errorf("no event %s yet: %s", reason, stderr)
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "$ kubectl get events -n harvester-system --field-selector reason=%s\n%s\n", reason, shown)
	return nil
}

func (s *story) repair() error {
	folder, err := gate.Example("stuck-pre-drained-repairs")
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("listing the repairs: %w", err)
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		if err := s.cluster.Repair(s.ctx, filepath.Join(folder, entry.Name())); err != nil {
			return fmt.Errorf("repair %s: %w", entry.Name(), err)
		}
		fmt.Fprintf(s.out, "repaired: %s\n", entry.Name()[strings.Index(entry.Name(), "-")+1:])
	}
	return nil
}
