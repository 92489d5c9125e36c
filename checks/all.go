package checks

// All returns every check, in the order in which reports list them.
func All() []Check {
	return []Check{
		pausedVMs(),
		faultedReplicas(),
		degradedVolumes(),
		inFlightMigrations(),
		multiEngineVolumes(),
		orphanedEngines(),
		snapshotAnomalies(),
		diskSpace(),
		staleAttachments(),
		runningBackups(),
		singleReplicaVolumes(),
		inheritedReplicaFailures(),
		storageNetworkExhausted(),
		expiringCertificates(),
		longhornSettings(),
		longhornUnsettled(),
		longhornEvictions(),
		backingImagesUnready(),
		nodesUnready(),
		clusterUnprovisioned(),
		machinesMismatched(),
		chartsUnready(),
		addonsUnsettled(),
		podsUnready(),
		clockSkew(),
		deadWebhooks(),
		blockingDisruptionBudgets(),
		twoNodeCluster(),
		smallCDIImporter(),
		versionAdvisories(),
		upgradeInProgress(),
		upgradeLeftovers(),
		unsupportedUpgradePath(),
		unmigratableVMs(),
		residualVMIs(),
		staleHotplug(),
		kubevirtUnready(),
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
