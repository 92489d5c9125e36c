package checks

import (
	"fmt"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// unreadWorkload says why nothing follows from a volume having no VM and no migration: those of its claim's namespace were not
// collected. It is empty where they are known, and for a volume of which Longhorn has noted no claim, so that no VM has it.
func unreadWorkload(p *Pass, volume *cluster.Volume) string {
	namespace := cluster.Text(volume.Status.KubernetesStatus.Namespace)
	if namespace == "" || p.Knows(cluster.VMIs, namespace) && p.Knows(cluster.Migrations, namespace) {
		return ""
	}
	return fmt.Sprintf("for the VMs of namespace %s were not collected", namespace)
}
