package checks

import (
	"fmt"
	"slices"
	"strings"

	storagev1 "k8s.io/api/storage/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// harvesterClass is the StorageClass that the chart of Harvester makes the default one unless its values say otherwise.
const harvesterClass = "harvester-longhorn"

// reportDefaultClasses reports that the chart of Harvester cannot be applied because another StorageClass is the default one:
// Harvester's webhook lets nobody mark a second.
func reportDefaultClasses(p *Pass, harvester *cluster.ManagedChart) {
	defaults := map[string]*storagev1.StorageClass{}
	var names []string
	for _, class := range p.StorageClasses() {
		if class.Annotations[cluster.AnnotationDefaultClass] == "true" {
			defaults[class.Name] = class
			names = append(names, class.Name)
		}
	}
	slices.Sort(names)
	other := slices.IndexFunc(names, func(name string) bool { return name != harvesterClass })
	if other < 0 {
		return
	}
	f := Finding{Object: ObjectOf(defaults[names[other]]), Rule: "default-storage-class"}
	switch {
	case len(names) > 1:
		f.Message = fmt.Sprintf("storage classes %s are all marked as the default one, so that the chart of Harvester cannot be applied", strings.Join(names, ", "))
		f.Remedy = fmt.Sprintf("leave one default: kubectl annotate storageclass %s %s=false --overwrite.", names[other], cluster.AnnotationDefaultClass)
	case harvester != nil && makesClassDefault(harvester):
		// upgrade_manifests.sh has changed the value by itself since v1.1.1 (harvester/harvester#3221); until then every change to the chart
		// fails (harvester/harvester#7375), and the chart is then not ready, which blocks.
		f.Severity = Warn
		f.Message = fmt.Sprintf("storage class %s is the default one, while managed chart %s still makes %s the default", names[other], harvesterChart, harvesterClass)
		f.Remedy = fmt.Sprintf("say so in the chart: kubectl -n %s patch managedcharts.management.cattle.io %s --type merge -p '{\"spec\":{\"values\":{\"storageClass\":{\"defaultStorageClass\":false}}}}'.",
			cluster.FleetLocalNamespace, harvesterChart)
	default:
		return
	}
	p.Report(f)
}

// makesClassDefault tells whether the chart of Harvester makes its own StorageClass the default one, which it does unless its values
// say otherwise.
func makesClassDefault(harvester *cluster.ManagedChart) bool {
	makes := harvester.Spec.Values.StorageClass.DefaultStorageClass
	return makes == nil || *makes
}
