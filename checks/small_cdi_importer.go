package checks

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const (
	// importerMemory is what the importer needs, and its limit since Harvester v1.7.2 and v1.8.1.
	importerMemory = "2G"
	// importerMemoryDefault is CDI's own limit where its configuration says none.
	importerMemoryDefault = "600M"
)

// smallCDIImporter finds image importers that the kernel kills while they convert the upgrade's ISO.
func smallCDIImporter() Check {
	return Check{
		Name:  "small-cdi-importer",
		Title: "The image importer has too little memory for the upgrade's ISO",
		Why: "Since v1.7.0 the running Harvester lets CDI import the ISO. On slow storage the conversion fills the importer's memory, the kernel kills it, and every " +
			"further attempt fails because half an image is left in its volume: the upgrade never gets past downloading.",
		Finds:  "A CDI whose importer may use less than 2 GB of memory, or that leaves it at its default of 600 MB, in a cluster that runs v1.7.0 or later, whatever the target.",
		Beyond: "How fast the storage is: on very slow storage and with large images 2 GB can be too little as well.",
		Remedy: "raise the limit in the chart: kubectl -n fleet-local patch managedcharts.management.cattle.io harvester --type merge " +
			`-p '{"spec":{"values":{"cdi":{"spec":{"config":{"podResourceRequirements":{"limits":{"memory":"4G"}}}}}}}}', ` +
			"wait until kubectl get cdi cdi -o jsonpath='{.spec.config.podResourceRequirements.limits.memory}' shows it, and take it back after the upgrade.",
		Severity: Warn,
		Waivable: true,
		Needs:    []cluster.Kind{cluster.CDIs, cluster.HarvesterSettings},
		Sources: []string{
			"harvester/harvester#10056", "harvester/harvester#11143", "harvester/docs docs/upgrade/v1-7-x-to-v1-7-y.md",
			"harvester/docs docs/upgrade/v1-8-x-to-v1-9-x.md",
		},
		Run: runSmallCDIImporter,
	}
}

// runSmallCDIImporter goes by the running version alone: its own configuration imports the ISO, whatever the target's is. Where that
// version is not known, a small importer is reported all the same.
func runSmallCDIImporter(p *Pass) error {
	if before(p.Running(), "v1.7.0") {
		return nil // Up to v1.6 Longhorn downloads the ISO.
	}
	for _, cdi := range p.CDIs() {
		limit, stated := importerLimit(cdi)
		if limit.Cmp(resource.MustParse(importerMemory)) >= 0 {
			continue
		}
		said := "sets no memory limit for its importer, so that its default of " + importerMemoryDefault + " holds"
		if stated {
			said = fmt.Sprintf("limits its importer to %s of memory", limit.String())
		}
		p.Findf(cdi, "CDI %s %s, and importing the upgrade's ISO can need %s", cdi.Name, said, importerMemory)
	}
	return nil
}

// importerLimit returns the memory that CDI's importer may use, and whether its configuration says so.
func importerLimit(cdi *cluster.CDI) (limit resource.Quantity, stated bool) {
	if cdi.Spec.Config != nil && cdi.Spec.Config.PodResourceRequirements != nil {
		if limit, ok := cdi.Spec.Config.PodResourceRequirements.Limits[corev1.ResourceMemory]; ok && !limit.IsZero() {
			return limit, true
		}
	}
	return resource.MustParse(importerMemoryDefault), false
}
