package checks

// All returns every check, in the order in which reports list them.
func All() []Check {
	return []Check{
		// Virtual machines.
		pausedVMs(),
		unmigratableVMs(),
		residualVMIs(),
		staleHotplug(),
		inFlightMigrations(),
		kubevirtUnready(),
		// Storage.
		faultedReplicas(),
		degradedVolumes(),
		multiEngineVolumes(),
		orphanedEngines(),
		snapshotAnomalies(),
		staleAttachments(),
		runningBackups(),
		singleReplicaVolumes(),
		backingImagesUnready(),
		inheritedReplicaFailures(),
		longhornEvictions(),
		longhornSettings(),
		longhornUnsettled(),
		// Nodes and network.
		diskSpace(),
		nodesUnready(),
		machinesMismatched(),
		blockingDisruptionBudgets(),
		storageNetworkExhausted(),
		clockSkew(),
		expiringCertificates(),
		twoNodeCluster(),
		// The platform.
		clusterUnprovisioned(),
		chartsUnready(),
		addonsUnsettled(),
		podsUnready(),
		deadWebhooks(),
		smallCDIImporter(),
		// The upgrade itself.
		upgradeInProgress(),
		upgradeLeftovers(),
		unsupportedUpgradePath(),
		versionAdvisories(),
		drainStuck(),
		drainDisruption(),
	}
}

// Find returns the check of that name; false where there is none.
func Find(name string) (Check, bool) {
	for _, check := range All() {
		if check.Name == name {
			return check, true
		}
	}
	return Check{}, false
}
