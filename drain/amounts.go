package drain

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// amounts is how much there is of each resource. The common ones are plain numbers, as in kube-scheduler's Resource.
type amounts struct {
	milliCPU, memory, storage, pods int64
	// others are the extended resources and huge pages, each with the number that the Room gave it.
	others []amount
}

// amount is how much there is of one other resource.
type amount struct {
	resource int
	value    int64
}

// otherResources numbers the names of the resources that have no field in amounts.
type otherResources struct {
	numbers map[corev1.ResourceName]int
	names   []corev1.ResourceName
}

func (o *otherResources) number(name corev1.ResourceName) int {
	number, ok := o.numbers[name]
	if !ok {
		number = len(o.names)
		o.numbers[name] = number
		o.names = append(o.names, name)
	}
	return number
}

// amountsOf reads a list of resources. Names that kube-scheduler does not count, such as "storage", are left out, and so are
// zeros: nothing is ever short of them (noderesources.fitsRequest).
func (o *otherResources) amountsOf(list corev1.ResourceList) amounts {
	var a amounts
	for name, quantity := range list {
		switch {
		case name == corev1.ResourceCPU:
			a.milliCPU = quantity.MilliValue()
		case name == corev1.ResourceMemory:
			a.memory = quantity.Value()
		case name == corev1.ResourceEphemeralStorage:
			a.storage = quantity.Value()
		case name == corev1.ResourcePods:
			a.pods = quantity.Value()
		case isScalar(name) && !quantity.IsZero():
			a.others = append(a.others, amount{o.number(name), quantity.Value()})
		}
	}
	return a
}

// isScalar tells whether kube-scheduler counts a resource that it has no field for: extended resources, huge pages and attachable
// volumes (schedutil.IsScalarResourceName).
func isScalar(name corev1.ResourceName) bool {
	text := string(name)
	return strings.Contains(text, "/") && !strings.HasPrefix(text, corev1.DefaultResourceRequestsPrefix) ||
		strings.HasPrefix(text, corev1.ResourceHugePagesPrefix) || strings.HasPrefix(text, corev1.ResourceAttachableVolumesPrefix)
}

// of returns how much there is of an other resource.
func (a *amounts) of(resource int) int64 {
	for _, other := range a.others {
		if other.resource == resource {
			return other.value
		}
	}
	return 0
}

// change adds so many times what a pod requests, and as many pods.
func (a *amounts) change(by *amounts, times int64) {
	a.milliCPU += times * by.milliCPU
	a.memory += times * by.memory
	a.storage += times * by.storage
	a.pods += times
	for _, other := range by.others {
		i := slices.IndexFunc(a.others, func(has amount) bool { return has.resource == other.resource })
		if i < 0 {
			i = len(a.others)
			a.others = append(a.others, amount{resource: other.resource})
		}
		a.others[i].value += times * other.value
	}
}

// hold tells whether a pod's requests fit into what is left. What a pod does not request may be overcommitted.
func (a *amounts) hold(request *amounts) bool {
	if a.pods < 1 || short(request.milliCPU, a.milliCPU) || short(request.memory, a.memory) || short(request.storage, a.storage) {
		return false
	}
	for _, other := range request.others {
		if short(other.value, a.of(other.resource)) {
			return false
		}
	}
	return true
}

func short(requested, left int64) bool { return requested > 0 && requested > left }

// shortages says of what there is too little for a pod's requests, in the words and the order of noderesources.fitsRequest; other
// resources come by name.
func (o *otherResources) shortages(left, request *amounts) string {
	var all []string
	if left.pods < 1 {
		all = append(all, "Too many pods")
	}
	if short(request.milliCPU, left.milliCPU) {
		all = append(all, "Insufficient cpu")
	}
	if short(request.memory, left.memory) {
		all = append(all, "Insufficient memory")
	}
	if short(request.storage, left.storage) {
		all = append(all, "Insufficient ephemeral-storage")
	}
	common := len(all)
	for _, other := range request.others {
		if short(other.value, left.of(other.resource)) {
			all = append(all, "Insufficient "+string(o.names[other.resource]))
		}
	}
	slices.Sort(all[common:])
	return strings.Join(all, ", ")
}

// list returns amounts as Kubernetes writes them.
func (o *otherResources) list(a *amounts) corev1.ResourceList {
	list := corev1.ResourceList{
		corev1.ResourceCPU:    *resource.NewMilliQuantity(a.milliCPU, resource.DecimalSI),
		corev1.ResourceMemory: *resource.NewQuantity(a.memory, resource.BinarySI),
		corev1.ResourcePods:   *resource.NewQuantity(a.pods, resource.DecimalSI),
	}
	if a.storage != 0 {
		list[corev1.ResourceEphemeralStorage] = *resource.NewQuantity(a.storage, resource.BinarySI)
	}
	for _, other := range a.others {
		name, format := o.names[other.resource], resource.DecimalSI
		if strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix) {
			format = resource.BinarySI
		}
		list[name] = *resource.NewQuantity(other.value, format)
	}
	return list
}
