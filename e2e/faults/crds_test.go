package faults_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/upgrade-gate/upgrade-gate/e2e/crds"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/load"
	"github.com/upgrade-gate/upgrade-gate/e2e/traffic"
)

// removedCRD is one that the most checks need.
const removedCRD, removedKind = "volumes.longhorn.io", "Volume"

// crdRemoved removes a CRD, and with it all of its objects, while the gate watches them, and gives both back.
func crdRemoved() fault {
	return fault{
		name: "CRD of volumes removed and given back",
		strike: func(t *testing.T, s *scene, calls *traffic.Traffic) {
			objects := s.objectsOf(t, removedKind)
			client, err := apiextensions.NewForConfig(s.cluster.Config)
			must(t, err)
			definitions := client.ApiextensionsV1().CustomResourceDefinitions()
			must(t, definitions.Delete(t.Context(), removedCRD, metav1.DeleteOptions{}))
			for _, object := range objects { // whose finalizers would hold the CRD
				must(t, s.cluster.Loader.Delete(t.Context(), load.ReferenceTo(object)))
			}
			must(t, gate.Await(t.Context(), time.Minute, func(ctx context.Context) error {
				_, err := definitions.Get(ctx, removedCRD, metav1.GetOptions{})
				if apierrors.IsNotFound(err) {
					return nil
				}
				return fmt.Errorf("%s is still there: %w", removedCRD, err)
			}))
			if s.example == healthy {
				calls.AwaitSteady(t, closed, traffic.Undecided)
			} else {
				calls.AwaitSteady(t, steady, s.right()...) // what is wrong with other objects is enough to refuse
			}
			_, err = definitions.Create(t.Context(), definition(t, removedCRD), metav1.CreateOptions{})
			must(t, err)
			must(t, gate.Await(t.Context(), time.Minute, func(ctx context.Context) error {
				_, err := s.cluster.Loader.Apply(ctx, objects...)
				return err
			}))
		},
		// Before the volumes are all gone, and before they and their states are all back, what hangs on them is indeed broken.
		excuses: []string{
			`volumes\.longhorn\.io could not be read: (its CRD is missing|listing failed)`,
			`Volume longhorn-system/\S+ could not be judged: `,
			`refused: \d+ problems? (?s:.*)\bvolume `,
		},
	}
}

// objectsOf returns the objects of a kind in the example cluster.
func (s *scene) objectsOf(t *testing.T, kind string) []*unstructured.Unstructured {
	t.Helper()
	folder, err := gate.Example(s.example)
	must(t, err)
	objects, err := load.Read(folder)
	must(t, err)
	objects = slices.DeleteFunc(objects, func(object *unstructured.Unstructured) bool {
		return object.GetKind() != kind || object.GroupVersionKind().Group != "longhorn.io"
	})
	if len(objects) == 0 {
		t.Fatalf("the example has no %s", kind)
	}
	return objects
}

// definition returns the CRD of that name.
func definition(t *testing.T, name string) *apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	all, err := crds.All(t.Context(), nil)
	must(t, err)
	i := slices.IndexFunc(all, func(crd *apiextensionsv1.CustomResourceDefinition) bool { return crd.Name == name })
	if i < 0 {
		t.Fatalf("there is no CRD %s", name)
	}
	return all[i]
}
