package drain

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/resource"
)

// roomPod is what the Room read of a pod.
type roomPod struct {
	object *corev1.Pod
	// place is the node that it is bound to; -1 for none.
	place   int
	request amounts
	ports   []hostPort
	// refusals are its own required anti-affinity, by which it keeps other pods away.
	refusals []*refusal
	// wishes say what it needs of a node; nil until it is asked where it could be bound.
	wishes *wishes
}

// wishes is what a pod needs of a node, beside resources and ports.
type wishes struct {
	// toleratesCordon is true for a pod that may be bound to a cordoned node.
	toleratesCordon bool
	// nodes are those that its node selector and its required node affinity allow.
	nodes nodeSet
	// spread are its constraints of topology spread that are not to be broken, with the counts of the pods that they mean.
	spread []spread
	// affinity are the topology keys of its required pod affinity, and company the count of the pods that all its terms mean.
	affinity []string
	company  *tally
	// antiAffinity is its required pod anti-affinity.
	antiAffinity []apart
}

// hostPort is a port of the node that a pod takes.
type hostPort struct {
	ip       string
	protocol corev1.Protocol
	port     int32
}

// anyAddress is what a host port without an address binds to.
const anyAddress = "0.0.0.0"

// clashes tells whether two ports cannot both be taken on one node (HostPortInfo.CheckConflict).
func (p hostPort) clashes(other hostPort) bool {
	return p.port == other.port && p.protocol == other.protocol && (p.ip == other.ip || p.ip == anyAddress || other.ip == anyAddress)
}

// podOf returns what the Room knows of a pod, reading it where it has not yet.
func (r *Room) podOf(pod *corev1.Pod) *roomPod {
	known, ok := r.pods[pod]
	if !ok {
		known = &roomPod{
			object: pod, place: -1, ports: hostPorts(pod), refusals: r.refusalsOf(pod),
			request: r.others.amountsOf(requestsOf(pod)),
		}
		r.pods[pod] = known
		r.index.add(known)
	}
	return known
}

// requestsOf returns what a pod requests. Where it has one container, as every pod of a watched Snapshot does, that is what the
// container requests.
func requestsOf(pod *corev1.Pod) corev1.ResourceList {
	spec := &pod.Spec
	if len(spec.Containers) == 1 && len(spec.InitContainers) == 0 && spec.Overhead == nil && spec.Resources == nil {
		return spec.Containers[0].Resources.Requests
	}
	return resource.PodRequests(pod, resource.PodResourcesOptions{UseStatusResources: true})
}

// wishesOf returns what a pod needs of a node, reading it where it was not asked for yet.
func (r *Room) wishesOf(pod *roomPod) *wishes {
	if pod.wishes == nil {
		pod.wishes = &wishes{toleratesCordon: toleratesCordon(pod.object), nodes: r.allowedNodes(pod.object)}
		r.readSpread(pod)
		r.readAffinity(pod)
	}
	return pod.wishes
}

// hostPorts returns the ports of the node that a pod takes for as long as it runs (schedutil.GetHostPorts).
func hostPorts(pod *corev1.Pod) []hostPort {
	var ports []hostPort
	for i := range pod.Spec.InitContainers {
		if policy := pod.Spec.InitContainers[i].RestartPolicy; policy != nil && *policy == corev1.ContainerRestartPolicyAlways {
			ports = appendHostPorts(ports, &pod.Spec.InitContainers[i])
		}
	}
	for i := range pod.Spec.Containers {
		ports = appendHostPorts(ports, &pod.Spec.Containers[i])
	}
	return ports
}

func appendHostPorts(ports []hostPort, container *corev1.Container) []hostPort {
	for i := range container.Ports {
		port := &container.Ports[i]
		if port.HostPort <= 0 {
			continue
		}
		taken := hostPort{ip: port.HostIP, protocol: port.Protocol, port: port.HostPort}
		if taken.ip == "" {
			taken.ip = anyAddress
		}
		if taken.protocol == "" {
			taken.protocol = corev1.ProtocolTCP
		}
		ports = append(ports, taken)
	}
	return ports
}
