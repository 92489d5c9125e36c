package oracle

import (
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// kept returns an object as the product holds it: without what no check and no simulation reads. The oracle shows the simulation
// nothing else, so that it notices a field that should not have been left out.
func kept[T client.Object](kind string, object T) T {
	for _, resource := range cluster.Resources() {
		if resource.GVK.Kind != kind {
			continue
		}
		trimmed, err := resource.Trim(object)
		if err != nil {
			panic(fmt.Sprintf("trimming a %s: %v", kind, err)) // it is only given what the API server has answered
		}
		return trimmed.(T)
	}
	panic("the product holds no " + kind)
}

// keptAll is kept for the items of a list.
func keptAll[T any, P interface {
	*T
	client.Object
}](kind string, items []T) []P {
	all := make([]P, len(items))
	for i := range items {
		all[i] = kept(kind, P(&items[i]))
	}
	return all
}
