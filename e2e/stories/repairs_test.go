package stories_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate/gatetest"
	"github.com/upgrade-gate/upgrade-gate/e2e/load"
)

// noticed bounds the wait until the gate's cache shows a repair: kubelets are asked once a minute.
const noticed = 90 * time.Second

// repairs returns the folders of the repairs, in their order, by check.
func repairs(t *testing.T) (folders, checks []string) {
	t.Helper()
	parent, err := gate.Example("stuck-pre-drained-repairs")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		_, check, found := strings.Cut(entry.Name(), "-")
		if !found {
			t.Fatalf("the folder %s is not called NN-CHECK", entry.Name())
		}
		folders, checks = append(folders, filepath.Join(parent, entry.Name())), append(checks, check)
	}
	return folders, checks
}

// cause is a machine-readable cause of a refusal, without ages.
type cause struct{ Check, Object, Message string }

// causes returns what stands in the way of the upgrade, none if it would be admitted.
func causes(ctx context.Context, t *testing.T, cluster *gate.Cluster) ([]cause, error) {
	t.Helper()
	status, err := refusal(ctx, t, cluster)
	if err != nil || status == nil {
		return nil, err
	}
	var all []cause
	for _, c := range status.Details.Causes {
		all = append(all, cause{Check: string(c.Type), Object: c.Field, Message: timeless(c.Message)})
	}
	return all, nil
}

// Story 2.
func TestEachRepairTakesItsItemOffTheRefusal(t *testing.T) {
	folders, checks := repairs(t)
	cluster, process := beginGuarded(t, stuck)
	left, err := causes(t.Context(), t, cluster)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(left); got != len(folders) {
		t.Fatalf("%d causes, want one for each of %d repairs: %+v", got, len(folders), left)
	}
	for i, folder := range folders {
		before := len(left)
		left = slices.DeleteFunc(left, func(c cause) bool { return c.Check == checks[i] })
		if before-len(left) != 1 {
			t.Fatalf("%d causes of %s, want 1", before-len(left), checks[i])
		}
		if err := cluster.Repair(t.Context(), folder); err != nil {
			t.Fatal(err)
		}
		awaitCauses(t, cluster, filepath.Base(folder), left)
	}
	admitsTheRepairedCluster(t, cluster, process)
}

// awaitCauses waits until these causes are what is left after a repair.
func awaitCauses(t *testing.T, cluster *gate.Cluster, repair string, want []cause) {
	t.Helper()
	started := time.Now()
	gatetest.Await(t, noticed, func(ctx context.Context) error {
		got, err := causes(ctx, t, cluster)
		if err != nil {
			return err
		}
		if diff := cmp.Diff(want, got); diff != "" && len(want)+len(got) > 0 {
			return fmt.Errorf("after the repair %s (-want +got):\n%s", repair, diff)
		}
		return nil
	})
	t.Logf("%s: noticed after %s", repair, time.Since(started).Round(time.Millisecond))
}

func admitsTheRepairedCluster(t *testing.T, cluster *gate.Cluster, process *gate.Process) {
	t.Helper()
	if exists(t, cluster) {
		t.Fatal("a dry run has created the Upgrade")
	}
	admitted := kubectl(t, cluster, "", "apply", "-f", manifest)
	want := answer{stdout: "upgrade.harvesterhci.io/" + upgradeName + " created\n"}
	if diff := cmp.Diff(want, admitted, cmp.AllowUnexported(answer{})); diff != "" {
		t.Fatalf("kubectl says something else (-want +got):\n%s", diff)
	}
	upgrade, err := client(t, cluster).Resource(upgrades).Namespace(upgradeNamespace).Get(t.Context(), upgradeName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	events := awaitEvents(t, cluster, upgradeNamespace, 1)["UpgradeAdmitted"] // dry runs have left none
	if len(events) != 1 {
		t.Fatalf("%d events UpgradeAdmitted, want 1", len(events))
	}
	regarding := corev1.ObjectReference{
		APIVersion: "harvesterhci.io/v1beta1", Kind: "Upgrade", Namespace: upgradeNamespace, Name: upgradeName, UID: upgrade.GetUID(),
	}
	if diff := cmp.Diff(regarding, events[0].Regarding); diff != "" {
		t.Errorf("regarding differs (-want +got):\n%s", diff)
	}
	if events[0].Type != corev1.EventTypeNormal {
		t.Errorf("type %q, want Normal", events[0].Type)
	}
	if got := metric(t, process, admissions("Ready", false)); got != 1 {
		t.Errorf("%v admissions counted, want 1", got)
	}
	lines := decisions(t, process)
	last := lines[len(lines)-1]
	if phase, source := last.Text("phase"), last.Text("source"); phase != "validate" || source != "a live read of the API server" {
		t.Errorf("admitted in the phase %s on %s, want validate and a live read", phase, source)
	}
}

// The README of the examples says that repairs may be made in any order.
func TestNoTwoRepairsTouchTheSameObject(t *testing.T) {
	folders, _ := repairs(t)
	touched := map[load.Reference]string{}
	for _, folder := range folders {
		objects, err := load.Read(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range objects {
			reference := load.ReferenceTo(object)
			if other, found := touched[reference]; found && other != folder {
				t.Errorf("%s is touched by %s and %s", reference, filepath.Base(other), filepath.Base(folder))
			}
			touched[reference] = folder
		}
	}
}
