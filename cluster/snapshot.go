package cluster

import (
	"slices"
	"time"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/types"
	kubevirtv1 "kubevirt.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Snapshot is the whole cluster at one time, typed and indexed. Nothing changes it after Load has returned it, and nobody
// may: the objects are shared with the watch cache. Lists are in no particular order unless their method says so.
type Snapshot struct {
	source   string
	now      time.Time
	evidence map[Kind]Evidence
	kubelets map[string]Kubelet
	// served are the certificates that were probed, sorted by endpoint.
	served []ServedCertificate
	// made is what the Snapshot was made of; nil where it is not of the watch cache.
	made *making
	// asked notes the answers about the time; nil where nobody wants to know.
	asked *horizon

	nodes                     collection[*corev1.Node]
	pods                      collection[*corev1.Pod]
	services                  collection[*corev1.Service]
	claims                    collection[*Claim]
	ioErrors                  []*corev1.Event
	nodeLeases                []*coordinationv1.Lease
	daemonSets                collection[*appsv1.DaemonSet]
	deployments               collection[*appsv1.Deployment]
	jobs                      []*batchv1.Job
	budgets                   collection[*policyv1.PodDisruptionBudget]
	storageClasses            []*storagev1.StorageClass
	volumeAttachments         []*VolumeAttachment
	endpointSlices            groups[types.NamespacedName, *discoveryv1.EndpointSlice]
	validatingWebhooks        []*admissionv1.ValidatingWebhookConfiguration
	mutatingWebhooks          []*admissionv1.MutatingWebhookConfiguration
	apiServices               []*APIService
	customResourceDefinitions []*CustomResourceDefinition

	virtualMachines collection[*kubevirtv1.VirtualMachine]
	vmis            collection[*kubevirtv1.VirtualMachineInstance]
	migrations      []*kubevirtv1.VirtualMachineInstanceMigration
	kubevirts       []*kubevirtv1.KubeVirt
	cdis            []*CDI

	volumes           collection[*Volume]
	engines           collection[*Engine]
	replicas          []*Replica
	instanceManagers  collection[*InstanceManager]
	attachments       []*Attachment
	longhornSnapshots []*LonghornSnapshot
	longhornSettings  collection[*lhv1.Setting]
	longhornNodes     collection[*lhv1.Node]
	orphans           []*lhv1.Orphan
	engineImages      []*lhv1.EngineImage
	backingImages     collection[*lhv1.BackingImage]
	backups           []*lhv1.Backup
	recurringJobs     []*lhv1.RecurringJob

	upgrades          []*Upgrade
	versions          collection[*Version]
	settings          collection[*Setting]
	images            collection[*VirtualMachineImage]
	vmBackups         []*VirtualMachineBackup
	vmRestores        []*VirtualMachineRestore
	vmBackupSchedules []*ScheduleVMBackup
	addons            []*Addon
	secrets           collection[*Secret]
	upgradePlans      []*UpgradePlan

	managedCharts        []*ManagedChart
	bundles              []*Bundle
	apps                 []*App
	provisioningClusters []*ProvisioningCluster
	capiClusters         []*CAPICluster
	machines             []*Machine
	nodePlans            []*NodePlan
	ipPools              []*IPPool

	podsOnNode      groups[string, *corev1.Pod]
	podsOfNamespace groups[string, *corev1.Pod]
	// tidy are the instance managers that list only their own processes; nil where that is not known.
	tidy map[*InstanceManager]bool
	// unusual are the volumes that are not ordinary; nil where that is not known.
	unusual            map[*Volume]bool
	podsOfClaim        map[types.NamespacedName][]*corev1.Pod
	enginesOfVolume    groups[string, *Engine]
	replicasOfVolume   groups[string, *Replica]
	replicasOnNode     groups[string, *Replica]
	managersOnNode     groups[string, *InstanceManager]
	attachmentOfVolume map[string]*Attachment
	attachmentsOfPV    groups[string, *VolumeAttachment]
	vmisOfClaim        map[types.NamespacedName][]*kubevirtv1.VirtualMachineInstance
	vmisOnNode         groups[string, *kubevirtv1.VirtualMachineInstance]
	migrationsOfVMI    groups[types.NamespacedName, *kubevirtv1.VirtualMachineInstanceMigration]
	launchersOfVMI     groups[types.UID, *corev1.Pod]
	ioErrorsOfVMI      groups[types.NamespacedName, *corev1.Event]
	managedNodes       []*corev1.Node
}

// Source describes where the Snapshot was read from, for people.
func (s *Snapshot) Source() string { return s.source }

// Now is the time that ages are counted from: when the Snapshot was loaded, or the date of the evidence.
func (s *Snapshot) Now() time.Time {
	s.asked.lower(s.now)
	return s.now
}

// Age returns how long ago t was; zero for a time that is not set or lies ahead.
func (s *Snapshot) Age(t time.Time) time.Duration {
	if !t.IsZero() {
		s.asked.lower(s.now)
	}
	return s.age(t)
}

func (s *Snapshot) age(t time.Time) time.Duration {
	if t.IsZero() || t.After(s.now) {
		return 0
	}
	return s.now.Sub(t)
}

// Evidence says how a kind was read. A kind that is not in the table is Unread.
func (s *Snapshot) Evidence(kind Kind) Evidence {
	if e, ok := s.evidence[kind]; ok {
		return e
	}
	return unread(kind, "not read")
}

// Knows tells whether all objects of a kind that there are in a namespace are in the Snapshot, so that what is not there does not exist. It is
// true of every namespace where the kind is Read, of those that are not missing where it is Partial, and false in any other state.
func (s *Snapshot) Knows(kind Kind, namespace string) bool { return s.Evidence(kind).knows(namespace) }

// collection is a list with an index by namespace and name.
type collection[T client.Object] struct {
	items  []T
	byName map[types.NamespacedName]T
}

func indexByName[T client.Object](items []T) collection[T] {
	c := collection[T]{items: items, byName: make(map[types.NamespacedName]T, len(items))}
	for _, item := range items {
		c.byName[NameOf(item)] = item
	}
	return c
}

// get returns the object of that name, or a nil pointer.
func (c collection[T]) get(namespace, name string) T {
	return c.byName[types.NamespacedName{Namespace: namespace, Name: name}]
}

// NameOf returns an object's namespace and name.
func NameOf(object client.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
}

// groups are items by a key that several share. All groups lie in one array.
type groups[K comparable, T any] struct {
	numberOf map[K]int32
	ends     []int32
	items    []T
}

// groupBy sorts items into groups, each in the order of the items; items without a key are left out.
func groupBy[K comparable, T any](items []T, key func(T) (K, bool)) groups[K, T] {
	g := groups[K, T]{numberOf: make(map[K]int32, len(items)/2)}
	numbers := make([]int32, len(items))
	var sizes []int32
	keyed := 0
	for i, item := range items {
		k, ok := key(item)
		if !ok {
			numbers[i] = -1
			continue
		}
		number, known := g.numberOf[k]
		if !known {
			number = int32(len(sizes))
			g.numberOf[k] = number
			sizes = append(sizes, 0)
		}
		numbers[i] = number
		sizes[number]++
		keyed++
	}
	g.ends = make([]int32, len(sizes))
	for number, start := 0, int32(0); number < len(sizes); number++ {
		g.ends[number] = start
		start += sizes[number]
	}
	g.items = make([]T, keyed)
	for i, item := range items {
		if number := numbers[i]; number >= 0 {
			g.items[g.ends[number]] = item
			g.ends[number]++
		}
	}
	return g
}

// of returns the group of a key; empty where no item has it.
func (g groups[K, T]) of(key K) []T {
	number, ok := g.numberOf[key]
	if !ok {
		return nil
	}
	return g.group(number)
}

func (g groups[K, T]) group(number int32) []T {
	start := int32(0)
	if number > 0 {
		start = g.ends[number-1]
	}
	return g.items[start:g.ends[number]:g.ends[number]]
}

func sortByName[T client.Object](items []T) {
	slices.SortFunc(items, func(a, b T) int {
		if a.GetNamespace() != b.GetNamespace() {
			if a.GetNamespace() < b.GetNamespace() {
				return -1
			}
			return 1
		}
		switch {
		case a.GetName() < b.GetName():
			return -1
		case a.GetName() > b.GetName():
			return 1
		}
		return 0
	})
}
