package load_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/upgrade-gate/upgrade-gate/e2e/load"
)

func TestARepairReplacesAndDeletes(t *testing.T) {
	loader, err := load.New(plane.Config, load.Options{})
	if err != nil {
		t.Fatal(err)
	}
	migration := object(t, `
apiVersion: kubevirt.io/v1
kind: VirtualMachineInstanceMigration
metadata: {name: half-way, namespace: default, finalizers: [kubevirt.io/migrationJobFinalize]}
spec: {vmiName: cart-1}
status: {phase: Running}`)
	if _, err := loader.Apply(t.Context(), migration); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, text := range map[string]string{
		"apply.yaml":  "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: repaired, namespace: default}\ndata: {a: b}\n",
		"delete.yaml": "apiVersion: kubevirt.io/v1\nkind: VirtualMachineInstanceMigration\nmetadata: {name: half-way, namespace: default}\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // a repair that is made already changes nothing
		if err := loader.Repair(t.Context(), folder); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := loader.Get(t.Context(), load.ReferenceTo(migration)); !apierrors.IsNotFound(err) {
		t.Errorf("the migration: %v, want not found", err)
	}
	if got := kubectl(t, ".data.a", "configmap", "repaired"); got != "b" {
		t.Errorf("data.a = %q, want b", got)
	}
}

func TestABrokenRepairNamesItsFile(t *testing.T) {
	loader, err := load.New(plane.Config, load.Options{})
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "delete.yaml"), []byte("kind: ["), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := loader.Repair(t.Context(), folder); err == nil || !strings.Contains(err.Error(), "delete.yaml") {
		t.Errorf("err = %v, want the file's name", err)
	}
}
