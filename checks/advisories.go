package checks

// upgradePages is where Harvester's documentation has a page for each upgrade path.
const upgradePages = "https://docs.harvesterhci.io/v1.8/upgrade/"

// advisories is the table of known problems of single releases, oldest target first. A problem that a check of its own finds is
// not in it.
func advisories() []advisory {
	return []advisory{
		{
			name: "windows-driver-disk", title: "VMs with the driver disk vmdp:latest, which no release brings along",
			target:  releases{from: "v1.2.0"},
			find:    vmsWithLatestDriverDisk,
			message: "no release since v1.1.0 brings this image along, so that without its registry the VM does not start again on a node that has lost it",
			remedy:  "replace the disk's image by registry.suse.com/suse/vmdp/vmdp with the version that the release brings, or load the image onto every node.",
			link:    "https://docs.harvesterhci.io/v1.7/upgrade/v1-1-2-to-v1-2-0", issues: []string{"harvester/harvester#4534"},
		},
		{
			name: "backing-image-definition", title: "backing images whose definition is older than Longhorn 1.7 (from before v1.4.0)",
			source: releases{until: "v1.4.0"}, target: releases{"v1.4.0", "v1.5.0"},
			find:    backingImagesBeforeLonghorn17,
			message: "the new Longhorn can start before its definition is there, loses what it writes of the images, and damages them",
			remedy:  "apply the definition of BackingImage from Longhorn v1.7.2, and let managed chart harvester tolerate it, before the upgrade: the page has both commands.",
			link:    "https://docs.harvesterhci.io/v1.4/upgrade/v1-3-2-to-v1-4-0", issues: []string{"longhorn/longhorn#10644", "harvester/harvester#7958"},
		},
		{
			name: "dismissed-upgrade-restarts", title: "the button in Rancher that begins a finished upgrade anew (to v1.4.0 up to v1.4.2)",
			target:  releases{"v1.4.0", "v1.4.3"},
			find:    connectionsToRancher,
			message: `the button "Dismiss it" in Rancher's dialogue wipes the status of the finished upgrade, which then begins anew`,
			remedy: "dismiss the upgrade in Harvester's own dashboard, or with " +
				"kubectl -n harvester-system label upgrades.harvesterhci.io -l harvesterhci.io/latestUpgrade=true harvesterhci.io/read-message=true.",
			link: upgradePages + "v1-4-1-to-v1-4-2", issues: []string{"harvester/harvester#7791"},
		},
		{
			name: "backup-target-refresh", title: "a backup target without a refresh interval (to v1.4.2)",
			target:  releases{"v1.4.2", "v1.4.3"},
			find:    backupTargetsWithoutInterval,
			message: "Harvester v1.4.2 then refreshes the backup target without a pause and takes all the processor time that it can get",
			remedy:  `add "refreshIntervalInSeconds":60 to its JSON: kubectl edit settings.harvesterhci.io backup-target.`,
			link:    upgradePages + "v1-4-1-to-v1-4-2", issues: []string{"harvester/harvester#7885"},
		},
		{
			name: "upgrade-log-images", title: "images of the upgrade's logs that an air-gapped cluster lacks (from v1.4.2)",
			source:  releases{"v1.4.2", "v1.4.3"},
			find:    releasesFromElsewhere,
			message: "the images that collect the upgrade's logs are not on the nodes, so that without a connection to their registries the upgrade never begins",
			remedy:  "load ghcr.io/kube-logging/fluentd:v1.15-ruby3, ghcr.io/kube-logging/config-reloader:v0.0.5 and fluent/fluent-bit:2.1.8 onto every node, or start the upgrade with spec.logEnabled: false.",
			link:    "https://docs.harvesterhci.io/v1.5/upgrade/v1-4-2-to-v1-5-0", issues: []string{"harvester/harvester#7955"},
		},
		{
			name: "share-manager-hotfix", title: "a share manager's image put in by hand (from v1.4.3 to v1.5.0 and later)",
			source: releases{"v1.4.3", "v1.5.0"}, target: releases{from: "v1.5.0"},
			find:    sharedVolumes,
			message: "an image longhorn-share-manager:v1.7.3-hotfix-1 that was put in by hand stays, and with it an old share manager beside the new Longhorn",
			remedy:  "put the release's own image back: kubectl -n longhorn-system get daemonset longhorn-manager -o yaml shows which one --share-manager-image names.",
			link:    "https://github.com/harvester/harvester/issues/8354", issues: []string{"harvester/harvester#8354"},
		},
		{
			name: "oversized-volumes", title: "volumes larger than any disk can hold (to v1.5.0)",
			target:  releases{"v1.5.0", "v1.5.1"},
			find:    volumesLargerThanAnyDisk,
			message: "with the Longhorn of v1.5.0 such a volume can neither become ready nor be deleted",
			remedy:  "delete its claim before the upgrade, or upgrade to v1.5.1.",
			link:    "https://github.com/longhorn/longhorn/issues/10741", issues: []string{"harvester/harvester#8096", "longhorn/longhorn#10741"},
		},
		{
			name: "truncated-network-scripts", title: "network scripts of hosts installed with v1.2.1 or earlier (from v1.5 to v1.6)",
			source: releases{until: "v1.6.0"}, target: releases{"v1.6.0", "v1.7.0"},
			message: "on hosts that were installed with v1.2.1 or earlier the upgrade can cut the network scripts in /oem/90_custom.yaml short, and such a node stays in Waiting Reboot",
			remedy:  "look at setup_bond.sh and setup_bridge.sh in /oem/90_custom.yaml of each such host, and keep a way to its console.",
			link:    upgradePages + "v1-5-x-to-v1-6-x", issues: []string{"harvester/harvester#9033"},
		},
		{
			name: "secondary-vlans", title: "VLANs of the hosts beside the first one (from v1.5 to v1.6)",
			source: releases{until: "v1.6.0"}, target: releases{"v1.6.0", "v1.7.0"},
			message: "v1.6.0 takes all VLANs but the first off mgmt-br and mgmt-bo, and with them host interfaces that somebody has put on others",
			remedy:  "add the VLANs of such interfaces, where hosts have them, to setup_bond.sh and setup_bridge.sh in /oem/90_custom.yaml after the upgrade, and reboot.",
			link:    upgradePages + "v1-5-x-to-v1-6-x", issues: []string{"harvester/harvester#7650"},
		},
		{
			name: "untagged-traffic", title: "switch ports that send untagged frames for a VLAN (from before v1.6.1)",
			source: releases{until: "v1.6.1"}, target: releases{from: "v1.6.1"},
			message: "since v1.6.1 VM networks and the storage network are in their own VLAN only: what a switch sends untagged does not reach them any more",
			remedy:  "make the switch ports of such networks trunk ports before the upgrade.",
			link:    upgradePages + "v1-5-x-to-v1-6-x", issues: []string{"harvester/harvester#8816"},
		},
		{
			name: "workload-update-migrations", title: "VMs that KubeVirt migrates all at once when it is upgraded (to v1.6 and v1.7)",
			target:  releases{"v1.6.0", "v1.8.0"},
			find:    workloadUpdatesByMigration,
			message: "as soon as KubeVirt is upgraded, it migrates every running VM at once, beside the migrations of the upgrade itself",
			remedy: "switch it off until the upgrade is over: set spec.values.kubevirt.spec.workloadUpdateStrategy.workloadUpdateMethods to [] with " +
				"kubectl -n fleet-local edit managedcharts.management.cattle.io harvester.",
			link: upgradePages + "v1-5-x-to-v1-6-x", issues: []string{"harvester/harvester#10349", "harvester/harvester#9656"},
		},
		{
			name: "migration-configuration", title: "a migration configuration of KubeVirt that Harvester's new setting does not know (to v1.7.0 and later)",
			source: releases{until: "v1.7.0"}, target: releases{from: "v1.7.0"},
			find:    migrationConfigurations,
			message: "Harvester's setting kubevirt-migration begins with the defaults, and the first time that anybody saves it they replace this configuration",
			remedy:  "note it with kubectl -n harvester-system get kubevirts.kubevirt.io kubevirt -o jsonpath='{.spec.configuration.migrations}', and save the same JSON in the setting after the upgrade.",
			link:    upgradePages + "v1-6-x-to-v1-7-x", issues: []string{"harvester/harvester#11517"},
		},
		{
			name: "changed-host-addresses", title: "hosts with addresses from DHCP (to v1.7.0)",
			source: releases{until: "v1.7.0"}, target: releases{"v1.7.0", "v1.7.1"},
			message: "NetworkManager tells the DHCP server another client ID than wicked did, so that a host can get another address and stay in Waiting Reboot",
			remedy:  "reserve the hosts' addresses by MAC address before the upgrade, or upgrade to v1.7.1 or later, which carries the client ID over.",
			link:    upgradePages + "v1-6-x-to-v1-7-x", issues: []string{"harvester/harvester#9260", "harvester/harvester#3418"},
		},
		{
			name: "renamed-interfaces", title: "network cards that a new kernel names differently (to v1.7.0 and v1.7.1)",
			source: releases{until: "v1.7.0"}, target: releases{"v1.7.0", "v1.7.2"},
			message: "the new kernel's drivers i40e and ice add the port to the names of some Intel interfaces, enp6s0f0np0, and a host configured with the old name is cut off",
			remedy:  "add ifname=NAME:MAC for each interface of such a card to third_party_kernel_args (grub2-editenv /oem/grubenv set) before the upgrade, or upgrade to v1.7.2 or later.",
			link:    upgradePages + "v1-6-x-to-v1-7-x", issues: []string{"harvester/harvester#9815", "harvester/harvester#9802", "harvester/harvester#10397"},
		},
		{
			name: "network-configuration-by-hand", title: "host networks configured by hand for wicked (to v1.7)",
			source: releases{until: "v1.7.0"}, target: releases{"v1.7.0", "v1.8.0"},
			message: "NetworkManager replaces wicked, and what somebody has changed in the network files of a host after its installation is ignored",
			remedy:  "bring /oem/harvester.config of each such host up to date before the upgrade; Harvester's script check.sh finds them.",
			link:    upgradePages + "v1-6-x-to-v1-7-x", issues: []string{"harvester/harvester#9260"},
		},
		{
			name: "upgrade-volume-attaching", title: "the upgrade's own volume that stays attaching while its node is drained (within v1.7)",
			source: releases{"v1.7.0", "v1.8.0"}, target: releases{"v1.7.0", "v1.8.0"},
			find:    clustersOfSeveralNodes,
			message: "the volume of the upgrade's files can stay attaching while a node is drained, which then stays in Post-draining",
			remedy:  "delete, when that happens, the replica of the volume upgrade-repo on the drained node; it can happen again on the next one.",
			link:    upgradePages + "v1-7-x-to-v1-7-y", issues: []string{"harvester/harvester#9597", "longhorn/longhorn#12226"},
		},
		{
			name: "volumes-smaller-than-their-image", title: "volumes smaller than the image that they were made from (to v1.10.0 and later)",
			target:  releases{from: "v1.10.0"},
			find:    claimsSmallerThanTheirImage,
			message: "v1.10.0 rejects volumes of this size, and a guest that writes past the end of one damages its file system",
			remedy:  "raise spec.resources.requests.storage of the claim to what the image needs, with its VM shut down where the storage class cannot expand a volume in use.",
			link:    "https://docs.harvesterhci.io/v1.9/upgrade/v1-9-x-to-v1-10-x", issues: []string{"harvester/docs docs/upgrade/v1-9-x-to-v1-10-x.md"},
		},
	}
}
