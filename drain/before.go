package drain

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	lhv1 "github.com/longhorn/longhorn-manager/k8s/pkg/apis/longhorn/v1beta2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const (
	// settingManagerCPU is Longhorn's setting of how much of a node's CPU an instance manager requests, in percent.
	settingManagerCPU = "guaranteed-instance-manager-cpu"
	// defaultManagerCPU is its default.
	defaultManagerCPU = 12
)

// beforeNodes says what would hold the upgrade in the phase in which Longhorn and the other services are upgraded: Longhorn nodes whose
// instance manager the upgrade waits for in vain, nodes on which Longhorn does not run, and nodes without CPU for the second instance
// manager, which runs beside the first until its engines have left (harvester/harvester, upgrade_manifests.sh,
// wait_longhorn_instance_manager_aio and wait_longhorn_manager).
func beforeNodes(s *cluster.Snapshot, r rules) []Stop {
	var stops []Stop
	waits := func(object client.Object, because string, evidence string) {
		stops = append(stops, Stop{State: SystemServices, Confidence: Certain, Object: object, Check: "longhorn-unsettled", Because: because, Evidence: []string{evidence}})
	}
	room := NewRoom(s.Nodes(), s.Pods())
	for _, node := range s.LonghornNodes() {
		of := s.Node(node.Name)
		ready := cluster.LonghornCondition(node.Status.Conditions, lhv1.NodeConditionTypeReady)
		switch {
		case of == nil || !cluster.IsManaged(of) || cluster.IsWitness(of):
			waits(node, fmt.Sprintf("the upgrade waits for an instance manager on %s, which is no node for storage", node.Name), "nodes.longhorn.io metadata.name")
		case ready != nil && ready.Status != lhv1.ConditionStatusTrue:
			waits(node, fmt.Sprintf("the upgrade waits for an instance manager on %s, which is not ready for Longhorn", node.Name), "nodes.longhorn.io status.conditions[Ready]")
		case !r.blind() && runsEngines(s, node.Name):
			if stop, short := lacksCPU(s, node, of, room.Free(node.Name)); short {
				stop.Confidence = r.bringsLonghorn(s)
				stops = append(stops, stop)
			}
		}
	}
	for _, node := range s.ManagedNodes() {
		if s.LonghornNode(node.Name) == nil {
			waits(node, fmt.Sprintf("the upgrade waits for Longhorn on %s, which Longhorn does not know", node.Name), "nodes.longhorn.io metadata.name")
		}
	}
	return stops
}

// bringsLonghorn says how sure it is that the upgrade brings another Longhorn: within a minor release of Harvester it mostly stays, and then
// no second instance manager is started.
func (r rules) bringsLonghorn(s *cluster.Snapshot) Confidence {
	running := cluster.ParseVersion(s.RunningVersion())
	if running == nil || r.target == nil || running.Major() == r.target.Major() && running.Minor() == r.target.Minor() {
		return Possible
	}
	return Likely
}

// lacksCPU tells whether a second instance manager does not fit beside the first. The kubelet refuses such a pod with OutOfcpu, for Longhorn
// names the node itself and no scheduler looks for room.
func lacksCPU(s *cluster.Snapshot, node *lhv1.Node, of *corev1.Node, free corev1.ResourceList) (Stop, bool) {
	allocatable := of.Status.Allocatable[corev1.ResourceCPU]
	request := resource.NewMilliQuantity(int64(node.Spec.InstanceManagerCPURequest), resource.DecimalSI)
	if request.IsZero() {
		request = resource.NewMilliQuantity(int64(float64(allocatable.MilliValue())*managerPercentage(s)/100), resource.DecimalSI)
	}
	left := free[corev1.ResourceCPU]
	if request.Cmp(left) <= 0 {
		return Stop{}, false
	}
	return Stop{
		State: SystemServices, Confidence: Likely, Object: of,
		Because:  fmt.Sprintf("%s has %s CPU that no pod requests, and the second instance manager, which runs beside the first until its engines have left, requests %s", of.Name, cpus(left), cpus(*request)),
		Remedy:   fmt.Sprintf("stop or move pods of %s, or lower Longhorn's setting %s: kubectl describe node %s shows what is requested.", of.Name, settingManagerCPU, of.Name),
		Evidence: []string{"Node status.allocatable, Pod spec.containers[].resources.requests, Setting " + settingManagerCPU},
	}, true
}

func cpus(quantity resource.Quantity) string {
	return strconv.FormatFloat(float64(quantity.MilliValue())/1000, 'f', -1, 64)
}

// managerPercentage reads the setting, a number or, since Longhorn 1.10, JSON with a number for each data engine.
func managerPercentage(s *cluster.Snapshot) float64 {
	value, _ := s.LonghornSetting(settingManagerCPU)
	var byEngine map[string]string
	if json.Unmarshal([]byte(value), &byEngine) == nil {
		value = byEngine["v1"]
	}
	percent, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return defaultManagerCPU
	}
	return percent
}

// runsEngines tells whether an instance manager of a node lists engines or replicas, so that it stays when the new one starts.
func runsEngines(s *cluster.Snapshot, node string) bool {
	return slices.ContainsFunc(s.InstanceManagersOn(node), func(manager *cluster.InstanceManager) bool {
		return len(manager.Status.InstanceEngines)+len(manager.Status.InstanceReplicas) > 0
	})
}
