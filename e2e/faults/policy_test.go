package faults_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/traffic"
)

const (
	policyHead = "apiVersion: upgradegate.io/v1alpha1\nkind: Policy\n"
	goodPolicy = policyHead + "checks: {}\n"
	// brokenPolicy would let a paused VM pass if the part of it that can be read were taken over.
	brokenPolicy = policyHead + "checks: {paused-vms: {enforcement: off}, disc-space: {enforcement: off}}\n"
)

// policyBroken edits the ConfigMap of the policy badly, and well again. What was in force stays in force.
func policyBroken() fault {
	return fault{
		name: "policy ConfigMap broken and mended",
		strike: func(t *testing.T, s *scene, calls *traffic.Traffic) {
			s.policy.write(t, brokenPolicy)
			s.awaitPolicy(t, 0)
			calls.AwaitSteady(t, steady, s.right()...)
			s.policy.write(t, goodPolicy)
			s.awaitPolicy(t, 1)
		},
	}
}

// awaitPolicy waits until every replica says whether the policy as it is now is in force.
func (s *scene) awaitPolicy(t *testing.T, valid float64) {
	t.Helper()
	for number, replica := range s.service.Replicas {
		must(t, gate.Await(t.Context(), 30*time.Second, func(ctx context.Context) error {
			got, err := replica.Metric(ctx, "upgrade_gate_policy_valid")
			if err == nil && got != valid {
				err = fmt.Errorf("the policy of replica %d is valid: %v, want %v", number+1, got, valid)
			}
			return err
		}))
	}
}

// configMap is a folder as the kubelet mounts a ConfigMap: the file is a link into a folder that is a link, and the latter is
// swapped at once.
type configMap struct {
	folder, file string
	version      int
}

func newConfigMap(t *testing.T, file, content string) *configMap {
	t.Helper()
	c := &configMap{folder: t.TempDir(), file: file}
	c.write(t, content)
	must(t, os.Symlink(filepath.Join("..data", file), filepath.Join(c.folder, file)))
	return c
}

func (c *configMap) write(t *testing.T, content string) {
	t.Helper()
	c.version++
	version := "..version-" + strconv.Itoa(c.version)
	must(t, os.Mkdir(filepath.Join(c.folder, version), 0o755))
	must(t, os.WriteFile(filepath.Join(c.folder, version, c.file), []byte(content), 0o600))
	must(t, os.Symlink(version, filepath.Join(c.folder, "..new")))
	must(t, os.Rename(filepath.Join(c.folder, "..new"), filepath.Join(c.folder, "..data")))
}
