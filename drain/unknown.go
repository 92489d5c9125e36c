package drain

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	kubevirtv1 "kubevirt.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// Unknown is one thing that could not be simulated.
type Unknown struct {
	// Object is what it concerns; nil where it is no single one.
	Object client.Object
	// Because says why, to be read after the object's name: "runs and reports no robustness".
	Because string
}

// String names the object before the reason: "volume pvc-1 runs and reports no robustness". Of nodes it says the same for each.
func (u Unknown) String() string {
	switch object := u.Object.(type) {
	case *kubevirtv1.VirtualMachineInstance:
		return vmName(object) + ": " + u.Because
	case *cluster.Volume:
		return "volume " + object.Name + " " + u.Because
	case *cluster.Engine:
		return "engine " + object.Name + " " + u.Because
	case *corev1.Node:
		return "a node " + u.Because
	}
	return u.Because
}

// sortedUnknown sorts what could not be simulated by its words, and tells what several orders came upon only once.
func sortedUnknown(all []Unknown) []Unknown {
	slices.SortFunc(all, func(a, b Unknown) int {
		return cmp.Or(strings.Compare(a.String(), b.String()), strings.Compare(objectKey(a.Object), objectKey(b.Object)))
	})
	return slices.CompactFunc(all, func(a, b Unknown) bool {
		return a.Because == b.Because && objectKey(a.Object) == objectKey(b.Object)
	})
}
