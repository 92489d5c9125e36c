package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/retry"
)

// Finalizer keeps an object that its file shows terminating from disappearing at once when it is
// deleted, where the file names no finalizer of its own.
const Finalizer = "e2e.upgradegate.io/terminating"

// errNotServed is the rejection of an object whose kind the API server does not serve.
var errNotServed = errors.New("the API server does not serve this kind: its CRD is not installed")

// at returns the client for the object's resource and namespace.
func (l *Loader) at(ctx context.Context, kind schema.GroupVersionKind, namespace string) (dynamic.ResourceInterface, resource, error) {
	resource, err := l.resources.of(ctx, kind)
	switch {
	case err != nil:
		return nil, resource, err
	case resource.Resource == "":
		return nil, resource, errNotServed
	case !resource.namespaced && namespace != "":
		return nil, resource, fmt.Errorf("the kind is cluster-scoped, but the object has the namespace %s", namespace)
	case !resource.namespaced:
		return l.client.Resource(resource.GroupVersionResource), resource, nil
	case namespace == "":
		return nil, resource, errors.New("the kind is namespaced, but the object has no namespace")
	}
	return l.client.Resource(resource.GroupVersionResource).Namespace(namespace), resource, nil
}

func (l *Loader) validation() string {
	if l.options.Lenient {
		return metav1.FieldValidationIgnore
	}
	return metav1.FieldValidationStrict
}

// put creates the object, or replaces the one that is there, and writes its status: through the API server, or past it, where the
// storage takes it.
func (l *Loader) put(ctx context.Context, object *unstructured.Unstructured) error {
	client, resource, err := l.at(ctx, object.GroupVersionKind(), object.GetNamespace())
	if err != nil {
		return &Rejection{name(object), "creating", err}
	}
	uid := object.GetUID()
	l.uids.rewrite(object)
	if l.options.Storage.takes(object) {
		given, err := l.options.Storage.put(ctx, resource, object)
		if err != nil {
			return &Rejection{name(object), "storing", err}
		}
		l.uids.learn(uid, given)
		return nil
	}
	written, err := l.write(ctx, client, clean(object))
	if err != nil {
		return &Rejection{name(object), "creating", err}
	}
	l.uids.learn(uid, written.GetUID())
	status, found := object.Object["status"]
	if !found || !resource.status {
		return nil
	}
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		written.Object["status"] = status
		_, err := client.UpdateStatus(ctx, written, metav1.UpdateOptions{FieldValidation: l.validation()})
		if apierrors.IsConflict(err) {
			if fresh, getErr := client.Get(ctx, object.GetName(), metav1.GetOptions{}); getErr == nil {
				written = fresh
			}
		}
		return err
	})
	if err != nil {
		return &Rejection{name(object), "writing the status of", err}
	}
	return nil
}

// write creates the object, or replaces the one that is there.
func (l *Loader) write(ctx context.Context, client dynamic.ResourceInterface, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	created, err := client.Create(ctx, object, metav1.CreateOptions{FieldValidation: l.validation()})
	// A Service that is there is refused as invalid, because its address is taken: by itself.
	if err == nil || !apierrors.IsAlreadyExists(err) && !apierrors.IsInvalid(err) {
		return created, err
	}
	refused := err
	var replaced *unstructured.Unstructured
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		current, err := client.Get(ctx, object.GetName(), metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return refused
		}
		if err != nil {
			return err
		}
		object.SetResourceVersion(current.GetResourceVersion())
		replaced, err = client.Update(ctx, object, metav1.UpdateOptions{FieldValidation: l.validation()})
		return err
	})
	return replaced, err
}

// clean returns a copy of the object without what the server owns, and with a finalizer if it is to
// end up terminating.
func clean(object *unstructured.Unstructured) *unstructured.Unstructured {
	object = object.DeepCopy()
	if object.GetDeletionTimestamp() != nil && len(object.GetFinalizers()) == 0 {
		object.SetFinalizers([]string{Finalizer})
	}
	for _, field := range []string{
		"uid", "resourceVersion", "creationTimestamp", "managedFields", "generation", "selfLink",
		"deletionTimestamp", "deletionGracePeriodSeconds",
	} {
		unstructured.RemoveNestedField(object.Object, "metadata", field)
	}
	return object
}

// terminate deletes the object, which its finalizers keep.
func (l *Loader) terminate(ctx context.Context, object *unstructured.Unstructured) error {
	client, _, err := l.at(ctx, object.GroupVersionKind(), object.GetNamespace())
	if err != nil {
		return nil // reported when it was to be created
	}
	// The API server adds and removes the finalizers of garbage collection to fit this choice.
	propagation := metav1.DeletePropagationBackground
	switch finalizers := object.GetFinalizers(); {
	case slices.Contains(finalizers, metav1.FinalizerDeleteDependents):
		propagation = metav1.DeletePropagationForeground
	case slices.Contains(finalizers, metav1.FinalizerOrphanDependents):
		propagation = metav1.DeletePropagationOrphan
	}
	err = client.Delete(ctx, object.GetName(), metav1.DeleteOptions{PropagationPolicy: &propagation})
	if err != nil && !apierrors.IsNotFound(err) {
		return &Rejection{name(object), "deleting", err}
	}
	return nil
}

// Reference names one object.
type Reference struct {
	Kind      schema.GroupVersionKind
	Namespace string // empty for a cluster-scoped kind
	Name      string
}

// ReferenceTo names the object.
func ReferenceTo(object *unstructured.Unstructured) Reference {
	return Reference{Kind: object.GroupVersionKind(), Namespace: object.GetNamespace(), Name: object.GetName()}
}

func (r Reference) String() string {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(r.Kind)
	object.SetNamespace(r.Namespace)
	object.SetName(r.Name)
	return name(object)
}

// Get reads one object from the API server.
func (l *Loader) Get(ctx context.Context, ref Reference) (*unstructured.Unstructured, error) {
	client, _, err := l.at(ctx, ref.Kind, ref.Namespace)
	if err != nil {
		return nil, &Rejection{ref.String(), "reading", err}
	}
	object, err := client.Get(ctx, ref.Name, metav1.GetOptions{})
	if err != nil {
		return nil, &Rejection{ref.String(), "reading", err}
	}
	return object, nil
}

// Replace makes an object of the API server, its status included, what the argument says, and creates
// it if it is not there.
func (l *Loader) Replace(ctx context.Context, object *unstructured.Unstructured) error {
	_, err := l.Apply(ctx, object)
	return err
}

// Patch merges a JSON merge patch into one object. What the patch says about the status goes through the
// status subresource where the kind has one, after the rest.
func (l *Loader) Patch(ctx context.Context, ref Reference, patch map[string]any) error {
	client, resource, err := l.at(ctx, ref.Kind, ref.Namespace)
	if err != nil {
		return &Rejection{ref.String(), "patching", err}
	}
	main, status := patch, map[string]any(nil)
	if value, found := patch["status"]; found && resource.status {
		main, status = make(map[string]any, len(patch)), map[string]any{"status": value}
		for key, value := range patch {
			if key != "status" {
				main[key] = value
			}
		}
	}
	if err := l.patch(ctx, client, ref, main); err != nil {
		return err
	}
	return l.patch(ctx, client, ref, status, "status")
}

func (l *Loader) patch(ctx context.Context, client dynamic.ResourceInterface, ref Reference, patch map[string]any, subresources ...string) error {
	if len(patch) == 0 {
		return nil
	}
	text, err := json.Marshal(patch)
	if err != nil {
		return &Rejection{ref.String(), "patching", err}
	}
	options := metav1.PatchOptions{FieldValidation: l.validation()}
	if _, err := client.Patch(ctx, ref.Name, types.MergePatchType, text, options, subresources...); err != nil {
		return &Rejection{ref.String(), "patching", err}
	}
	return nil
}

// Delete removes one object at once, whatever finalizers it has. An object that is not there is fine.
func (l *Loader) Delete(ctx context.Context, ref Reference) error {
	client, _, err := l.at(ctx, ref.Kind, ref.Namespace)
	if err != nil {
		return &Rejection{ref.String(), "deleting", err}
	}
	err = l.patch(ctx, client, ref, map[string]any{"metadata": map[string]any{"finalizers": nil}})
	if err == nil {
		now := int64(0)
		err = client.Delete(ctx, ref.Name, metav1.DeleteOptions{GracePeriodSeconds: &now})
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return &Rejection{ref.String(), "deleting", err}
	}
	return nil
}
