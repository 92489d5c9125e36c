package crds

import (
	"context"
	"fmt"
	"io"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

// The packages that CRDs are generated from, and the modules that pin them in e2e/tools/crds.
const (
	kubeVirtModule   = "kubevirt.io/api"
	kubeVirtPackage  = kubeVirtModule + "/core/v1"
	longhornModule   = "github.com/longhorn/longhorn-manager"
	longhornPackage  = longhornModule + "/k8s/pkg/apis/longhorn/v1beta2"
	kubeVirtGroup    = "kubevirt.io"
	generatorOptions = "crd:allowDangerousTypes=true,maxDescLen=0"
)

// Generate returns the folder with the CRDs that controller-gen writes from KubeVirt's and Longhorn's
// pinned Go types, generating them the first time. They are as controller-gen left them; Generated
// returns them corrected. Lines of progress go to progress, which may be nil.
func Generate(ctx context.Context, progress io.Writer) (string, error) {
	key, err := generatedKey()
	if err != nil {
		return "", fmt.Errorf("finding the versions that CRDs are generated from: %w", err)
	}
	generator, err := tools.ControllerGen().Ensure(ctx, progress)
	if err != nil {
		return "", err
	}
	folder, err := tools.Cached(ctx, key, progress, func(ctx context.Context, folder string) error {
		return tools.Run(ctx, "crds", generator, generatorOptions,
			"paths="+kubeVirtPackage, "paths="+longhornPackage, "output:crd:dir="+folder)
	})
	if err != nil {
		return "", fmt.Errorf("generating CRDs: %w", err)
	}
	return folder, nil
}

// generatedKey names the versions that the generated CRDs depend on.
func generatedKey() (string, error) {
	folder, err := tools.ModuleFolder("crds")
	if err != nil {
		return "", err
	}
	generator, err := tools.ControllerGen().Version()
	if err != nil {
		return "", err
	}
	kubeVirt, err := tools.RequiredVersion(folder, kubeVirtModule)
	if err != nil {
		return "", err
	}
	longhorn, err := tools.RequiredVersion(folder, longhornModule)
	if err != nil {
		return "", err
	}
	return strings.Join([]string{"crds", "kubevirt", kubeVirt, "longhorn", longhorn, "controller-gen", generator}, "-"), nil
}

// correct makes a generated CRD what its product installs, where the types' markers do not say it, and
// reports whether the product has such a CRD at all.
//
// KubeVirt's operator builds its CRDs in code instead of from markers: it adds the status subresource
// to every kind but VirtualMachineInstance and its preset, and short names. DataVolumeTemplateSpec looks
// like a kind to controller-gen but is only a field of VirtualMachine.
func correct(crd *apiextensionsv1.CustomResourceDefinition) bool {
	if crd.Spec.Group != kubeVirtGroup {
		return true
	}
	status := true
	switch crd.Spec.Names.Kind {
	case "DataVolumeTemplateSpec":
		return false
	case "VirtualMachineInstance":
		status = false
		crd.Spec.Names.ShortNames = []string{"vmi", "vmis"}
	case "VirtualMachineInstancePreset":
		status = false
		crd.Spec.Names.ShortNames = []string{"vmipreset", "vmipresets"}
	case "VirtualMachine":
		crd.Spec.Names.ShortNames = []string{"vm", "vms"}
	case "VirtualMachineInstanceMigration":
		crd.Spec.Names.ShortNames = []string{"vmim", "vmims"}
	case "VirtualMachineInstanceReplicaSet":
		crd.Spec.Names.ShortNames = []string{"vmirs", "vmirss"}
	case "KubeVirt":
		crd.Spec.Names.ShortNames = []string{"kv", "kvs"}
	}
	for i := range crd.Spec.Versions {
		if status {
			crd.Spec.Versions[i].Subresources = &apiextensionsv1.CustomResourceSubresources{
				Status: &apiextensionsv1.CustomResourceSubresourceStatus{},
			}
		}
	}
	return true
}
