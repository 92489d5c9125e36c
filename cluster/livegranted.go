package cluster

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// listGranted lists a kind in the places that are granted, if they are. A place that cannot be read leaves the whole kind
// unread.
func (l *Live) listGranted(ctx context.Context, resource Resource) ([]client.Object, Evidence) {
	started := l.options.Now()
	if !l.options.ReadSecrets {
		return nil, notGranted(resource, resource.Grant.because())
	}
	var all []client.Object
	for _, place := range resource.Grant.Places {
		objects, _, err := listPages(func(next string) ([]client.Object, metav1.ListMeta, error) {
			return l.options.Reader.pageOf(ctx, resource, place, pageSize, next)
		})
		switch {
		case apierrors.IsForbidden(err):
			e := unread(resource.Kind, fmt.Sprintf("not allowed to list them in %s, which Role %s there should allow", place.Namespace, resource.Grant.Role))
			e.Forbidden = true
			return nil, e
		case err != nil:
			return nil, explainList(resource, err)
		}
		all = append(all, objects...)
	}
	return resource.Grant.keep(all), Evidence{State: Read, ReadAt: started}
}
