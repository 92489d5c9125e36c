package oracle

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func (g *generated) pod(d dice, name string) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: pick(d, g.namespaces()...),
			Labels:      map[string]string{clusterLabel: g.name, "app": pick(d, "web", "db", "cache"), "tier": pick(d, "front", "back")},
			Annotations: map[string]string{fate: ready},
		},
		Spec: corev1.PodSpec{
			NodeSelector: map[string]string{clusterLabel: g.name},
			Containers:   []corev1.Container{{Name: "main", Image: "image", Resources: g.requests(d)}},
			Affinity:     &corev1.Affinity{},
		},
	}
	g.moreContainers(d, pod)
	g.ports(d, pod)
	g.tolerations(d, pod)
	g.nodeAffinity(d, pod)
	g.podAffinity(d, pod)
	g.spread(d, pod)
	return pod
}

func (g *generated) requests(d dice) corev1.ResourceRequirements {
	requests, limits := corev1.ResourceList{}, corev1.ResourceList{}
	if d.chance(80) {
		requests[corev1.ResourceCPU] = resource.MustParse(pick(d, "100m", "250m", "500m", "750m", "1", "1500m"))
	}
	if d.chance(80) {
		requests[corev1.ResourceMemory] = resource.MustParse(pick(d, "128Mi", "512Mi", "1Gi", "2Gi", "3Gi", "1G"))
	}
	if d.chance(g.often(themeRoom, 10, 10)) {
		requests[corev1.ResourceEphemeralStorage] = resource.MustParse(pick(d, "1Gi", "6Gi"))
	}
	if d.chance(g.often(themeRoom, 15, 15)) {
		requests[device] = resource.MustParse(pick(d, "1", "1", "2", "0"))
		limits[device] = requests[device]
	}
	if d.chance(g.often(themeRoom, 10, 10)) {
		requests[hugePages] = resource.MustParse(pick(d, "64Mi", "128Mi"))
		limits[hugePages] = requests[hugePages]
		requests[corev1.ResourceMemory] = resource.MustParse("128Mi") // huge pages alone are not admitted
	}
	return corev1.ResourceRequirements{Requests: requests, Limits: limits}
}

func (g *generated) moreContainers(d dice, pod *corev1.Pod) {
	always := corev1.ContainerRestartPolicyAlways
	for i := range pick(d, 0, 0, 0, 0, 1, 1, 2, 3) {
		container := corev1.Container{Name: named("init-%d", i), Image: "image", Resources: g.requests(d)}
		if d.chance(40) { // a sidecar, which goes on beside the others
			container.RestartPolicy = &always
		}
		pod.Spec.InitContainers = append(pod.Spec.InitContainers, container)
	}
	if d.chance(15) {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: "second", Image: "image", Resources: g.requests(d)})
	}
	if d.chance(7) {
		pod.Spec.Overhead = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("256Mi")}
	}
	if d.chance(5) {
		// Requests of the pod as a whole, which must be those of its containers at least.
		pod.Spec.InitContainers, pod.Spec.Containers = nil, []corev1.Container{{Name: "main", Image: "image"}}
		pod.Spec.Resources = &corev1.ResourceRequirements{Requests: corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse(pick(d, "200m", "1")), corev1.ResourceMemory: resource.MustParse(pick(d, "512Mi", "3Gi")),
		}}
	}
}

func (g *generated) ports(d dice, pod *corev1.Pod) {
	if !d.chance(20) {
		return
	}
	port := corev1.ContainerPort{
		ContainerPort: pick[int32](d, 8080, 9090), Protocol: pick(d, corev1.ProtocolTCP, corev1.ProtocolTCP, corev1.ProtocolUDP),
	}
	if d.chance(30) {
		pod.Spec.HostNetwork = true // the API server then fills the port of the node in
	} else {
		port.HostPort, port.HostIP = port.ContainerPort, pick(d, "", "", "0.0.0.0", "127.0.0.1", "10.0.0.1")
	}
	container := &pod.Spec.Containers[0]
	if n := len(pod.Spec.InitContainers); n > 0 && d.chance(50) {
		container = &pod.Spec.InitContainers[n-1]
	}
	container.Ports = []corev1.ContainerPort{port}
}

func (g *generated) tolerations(d dice, pod *corev1.Pod) {
	for range pick(d, 0, 0, 0, 1, 1, 2) {
		toleration := corev1.Toleration{
			Key: pick(d, "dedicated", "gpu", corev1.TaintNodeUnschedulable), Operator: pick(d, corev1.TolerationOpExists, corev1.TolerationOpEqual, ""),
			Effect: pick(d, "", corev1.TaintEffectNoSchedule, corev1.TaintEffectNoExecute),
		}
		if toleration.Operator != corev1.TolerationOpExists {
			toleration.Value = pick(d, "", "a", "b")
		}
		pod.Spec.Tolerations = append(pod.Spec.Tolerations, toleration)
	}
	if d.chance(8) {
		pod.Spec.Tolerations = append(pod.Spec.Tolerations, corev1.Toleration{Operator: corev1.TolerationOpExists})
	}
}

func (g *generated) nodeAffinity(d dice, pod *corev1.Pod) {
	if d.chance(g.often(themeRoom, 10, 10)) {
		pod.Spec.NodeSelector["disk"] = pick(d, "ssd", "hdd", "tape")
	}
	if !d.chance(g.often(themeRoom, 25, 25)) {
		return
	}
	required := &corev1.NodeSelector{}
	fields := d.chance(40)
	for range d.between(1, 2) {
		term := corev1.NodeSelectorTerm{}
		for range d.between(0, 2) {
			term.MatchExpressions = append(term.MatchExpressions, g.nodeRequirement(d))
		}
		if fields {
			term.MatchFields = []corev1.NodeSelectorRequirement{{
				Key: metav1.ObjectNameField, Operator: pick(d, corev1.NodeSelectorOpIn, corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn),
				Values: []string{pick(d, g.nodes...).Name},
			}}
		}
		required.NodeSelectorTerms = append(required.NodeSelectorTerms, term)
	}
	pod.Spec.Affinity.NodeAffinity = &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: required}
}

func (g *generated) nodeRequirement(d dice) corev1.NodeSelectorRequirement {
	requirement := corev1.NodeSelectorRequirement{
		Key: pick(d, "disk", "generation", g.key("zone"), g.key("rack"), "missing"),
		Operator: pick(d, corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn, corev1.NodeSelectorOpExists,
			corev1.NodeSelectorOpDoesNotExist, corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt),
	}
	switch requirement.Operator {
	case corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn:
		requirement.Values = []string{pick(d, "ssd", "hdd", "a", "b", "1", "5"), pick(d, "ssd", "c", "2", "7")}
	case corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt:
		requirement.Key, requirement.Values = "generation", []string{named("%d", d.between(1, 8))}
	}
	return requirement
}

func (g *generated) podAffinity(d dice, pod *corev1.Pod) {
	if d.chance(g.often(themeAffinity, 12, 40)) {
		pod.Spec.Affinity.PodAffinity = &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: g.affinityTerms(d)}
	}
	if d.chance(g.often(themeAffinity, 15, 40)) {
		pod.Spec.Affinity.PodAntiAffinity = &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: g.affinityTerms(d)}
	}
}

func (g *generated) affinityTerms(d dice) []corev1.PodAffinityTerm {
	var terms []corev1.PodAffinityTerm
	for range pick(d, 1, 1, 1, 2) {
		term := corev1.PodAffinityTerm{LabelSelector: g.selector(d), TopologyKey: pick(d, corev1.LabelHostname, corev1.LabelHostname, g.key("zone"), g.key("rack"))}
		switch d.IntN(6) {
		case 0:
			term.NamespaceSelector = &metav1.LabelSelector{} // every namespace
			if term.LabelSelector == nil {
				term.LabelSelector = &metav1.LabelSelector{}
			}
			metav1.AddLabelToSelector(term.LabelSelector, clusterLabel, g.name) // but not other clusters' pods
		case 1:
			term.Namespaces = []string{pick(d, g.namespaces()...)}
		case 2:
			term.Namespaces = g.namespaces()
		}
		if term.LabelSelector != nil && d.chance(15) {
			term.MatchLabelKeys = []string{"tier"}
		}
		terms = append(terms, term)
	}
	return terms
}

// selector returns a selector of the labels app and tier; rarely one for all pods, or none for no pod.
func (g *generated) selector(d dice) *metav1.LabelSelector {
	switch d.IntN(10) {
	case 0:
		return &metav1.LabelSelector{}
	case 1:
		return nil
	case 2:
		return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
			{Key: "app", Operator: pick(d, metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn), Values: []string{"web", "cache"}},
		}}
	case 3:
		return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
			{Key: pick(d, "app", "missing"), Operator: pick(d, metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist)},
		}}
	}
	return &metav1.LabelSelector{MatchLabels: map[string]string{"app": pick(d, "web", "db", "cache")}}
}

func (g *generated) spread(d dice, pod *corev1.Pod) {
	if !d.chance(g.often(themeSpread, 25, 85)) {
		return
	}
	honour, ignore := corev1.NodeInclusionPolicyHonor, corev1.NodeInclusionPolicyIgnore
	seen := map[string]bool{}
	for range d.between(1, 2) {
		constraint := corev1.TopologySpreadConstraint{
			MaxSkew: int32(d.between(1, 2)), TopologyKey: pick(d, corev1.LabelHostname, g.key("zone"), g.key("rack")),
			WhenUnsatisfiable: corev1.DoNotSchedule, LabelSelector: g.selector(d),
			NodeAffinityPolicy: pick(d, nil, &honour, &ignore), NodeTaintsPolicy: pick(d, nil, &honour, &ignore),
		}
		if seen[constraint.TopologyKey] {
			continue
		}
		seen[constraint.TopologyKey] = true
		if d.chance(25) {
			domains := int32(d.between(1, 4))
			constraint.MinDomains = &domains
		}
		if constraint.LabelSelector != nil && d.chance(25) {
			constraint.MatchLabelKeys = []string{"tier"}
		}
		pod.Spec.TopologySpreadConstraints = append(pod.Spec.TopologySpreadConstraints, constraint)
	}
}
