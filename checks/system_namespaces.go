package checks

import (
	"strings"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// isSystemNamespace tells whether a namespace is one of the platform's own: Harvester's, Longhorn's, Kubernetes' and Rancher's
// (harvester/harvester, pkg/util/supportbundle and pkg/util/constants.go list them).
func isSystemNamespace(namespace string) bool {
	switch namespace {
	case cluster.HarvesterNamespace, cluster.LonghornNamespace, cluster.FleetLocalNamespace, cluster.LocalCluster, "fleet-default", "tigera-operator":
		return true
	}
	for _, prefix := range []string{"cattle-", "kube-", "calico-", "cluster-fleet-"} {
		if strings.HasPrefix(namespace, prefix) {
			return true
		}
	}
	return false
}
