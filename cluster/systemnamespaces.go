package cluster

import "strings"

// IsSystemNamespace tells whether a namespace is one of the platform's own: Harvester's, Longhorn's, Kubernetes' and Rancher's
// (harvester/harvester, pkg/util/supportbundle and pkg/util/constants.go list them). The namespace default is a user's.
func IsSystemNamespace(namespace string) bool {
	switch namespace {
	case HarvesterNamespace, LonghornNamespace, FleetLocalNamespace, LocalCluster, "fleet-default", "tigera-operator":
		return true
	}
	for _, prefix := range []string{"cattle-", "kube-", "calico-", "cluster-fleet-"} {
		if strings.HasPrefix(namespace, prefix) {
			return true
		}
	}
	return false
}
