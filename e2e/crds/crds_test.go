package crds_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/e2e/controlplane"
	"github.com/upgrade-gate/upgrade-gate/e2e/crds"
)

func TestEveryCRDIsEstablished(t *testing.T) {
	definitions, err := crds.All(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	plane, err := controlplane.Start(t.Context(), controlplane.Options{CRDs: definitions})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := plane.Stop(); err != nil {
			t.Error(err)
		}
	})
	scheme := runtime.NewScheme()
	if err := apiextensionsv1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	reader, err := client.New(plane.Config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	var installed apiextensionsv1.CustomResourceDefinitionList
	if err := reader.List(t.Context(), &installed); err != nil {
		t.Fatal(err)
	}
	if len(installed.Items) != len(definitions) {
		t.Errorf("%d CRDs are installed, want %d", len(installed.Items), len(definitions))
	}
	for _, crd := range installed.Items {
		if err := healthy(crd); err != nil {
			t.Errorf("%s: %v", crd.Name, err)
		}
	}
}

// healthy reports the first condition that is not as it should be.
func healthy(crd apiextensionsv1.CustomResourceDefinition) error {
	established := false
	for _, condition := range crd.Status.Conditions {
		switch condition.Type {
		case apiextensionsv1.Established, apiextensionsv1.NamesAccepted:
			if condition.Status != apiextensionsv1.ConditionTrue {
				return fmt.Errorf("%s is %s: %s", condition.Type, condition.Status, condition.Message)
			}
			established = established || condition.Type == apiextensionsv1.Established
		case apiextensionsv1.NonStructuralSchema, apiextensionsv1.Terminating:
			if condition.Status == apiextensionsv1.ConditionTrue {
				return fmt.Errorf("%s: %s", condition.Type, condition.Message)
			}
		}
	}
	if !established {
		return errors.New("is not established")
	}
	return nil
}

// TestKindsAreServedAsByTheirProducts pins what a webhook registration, an RBAC rule or a status update
// depends on: group, version, plural, scope and status subresource.
func TestKindsAreServedAsByTheirProducts(t *testing.T) {
	definitions, err := crds.All(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := sets.New[string]()
	for _, crd := range definitions {
		for _, version := range crd.Spec.Versions {
			status := ""
			if version.Subresources != nil && version.Subresources.Status != nil {
				status = " status"
			}
			got.Insert(fmt.Sprintf("%s/%s %s %s %s%s", crd.Spec.Group, version.Name, crd.Spec.Names.Kind,
				crd.Spec.Names.Plural, crd.Spec.Scope, status))
		}
	}
	want := []string{
		"catalog.cattle.io/v1 App apps Namespaced status",
		"cdi.kubevirt.io/v1beta1 CDI cdis Cluster",
		"cdi.kubevirt.io/v1beta1 DataVolume datavolumes Namespaced status",
		"cluster.x-k8s.io/v1beta1 Cluster clusters Namespaced status",
		"cluster.x-k8s.io/v1beta1 Machine machines Namespaced status",
		"fleet.cattle.io/v1alpha1 Bundle bundles Namespaced status",
		"fleet.cattle.io/v1alpha1 Cluster clusters Namespaced status",
		"harvesterhci.io/v1beta1 Addon addons Namespaced status",
		"harvesterhci.io/v1beta1 ScheduleVMBackup schedulevmbackups Namespaced",
		"harvesterhci.io/v1beta1 Setting settings Cluster",
		"harvesterhci.io/v1beta1 Upgrade upgrades Namespaced",
		"harvesterhci.io/v1beta1 UpgradeLog upgradelogs Namespaced",
		"harvesterhci.io/v1beta1 Version versions Namespaced",
		"harvesterhci.io/v1beta1 VirtualMachineBackup virtualmachinebackups Namespaced",
		"harvesterhci.io/v1beta1 VirtualMachineImage virtualmachineimages Namespaced",
		"harvesterhci.io/v1beta1 VirtualMachineRestore virtualmachinerestores Namespaced",
		"helm.cattle.io/v1 HelmChart helmcharts Namespaced status",
		"k8s.cni.cncf.io/v1 NetworkAttachmentDefinition network-attachment-definitions Namespaced",
		"kubevirt.io/v1 KubeVirt kubevirts Namespaced status",
		"kubevirt.io/v1 VirtualMachine virtualmachines Namespaced status",
		"kubevirt.io/v1 VirtualMachineInstance virtualmachineinstances Namespaced",
		"kubevirt.io/v1 VirtualMachineInstanceMigration virtualmachineinstancemigrations Namespaced status",
		"longhorn.io/v1beta2 BackingImage backingimages Namespaced status",
		"longhorn.io/v1beta2 Engine engines Namespaced status",
		"longhorn.io/v1beta2 EngineImage engineimages Namespaced status",
		"longhorn.io/v1beta2 InstanceManager instancemanagers Namespaced status",
		"longhorn.io/v1beta2 Node nodes Namespaced status",
		"longhorn.io/v1beta2 Replica replicas Namespaced status",
		"longhorn.io/v1beta2 Setting settings Namespaced status",
		"longhorn.io/v1beta2 Snapshot snapshots Namespaced status",
		"longhorn.io/v1beta2 Volume volumes Namespaced status",
		"longhorn.io/v1beta2 VolumeAttachment volumeattachments Namespaced status",
		"management.cattle.io/v3 ManagedChart managedcharts Namespaced status",
		"management.cattle.io/v3 Setting settings Cluster",
		"management.harvesterhci.io/v1beta1 UpgradePlan upgradeplans Cluster status",
		"provisioning.cattle.io/v1 Cluster clusters Namespaced status",
		"rke.cattle.io/v1 RKEControlPlane rkecontrolplanes Namespaced status",
		"upgrade.cattle.io/v1 Plan plans Namespaced status",
		"whereabouts.cni.cncf.io/v1alpha1 IPPool ippools Namespaced",
	}
	missing := sets.New(want...).Difference(got)
	if diff := cmp.Diff([]string{}, sets.List(missing)); diff != "" {
		t.Errorf("not served as by its product (-want +got):\n%s", diff)
	}
}
