// Package load puts an example cluster, a folder of manifests as `kubectl get -o yaml` prints them,
// into a real API server, status and all.
//
// What the server owns cannot be brought along: uid, resourceVersion, generation, managedFields, and
// creationTimestamp, which becomes the time of loading. Where objects name each other by uid, they name the new ones.
package load

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// defaultParallel is the number of requests under way at once: enough to keep the API server's
// cores busy, few enough that none waits long.
const defaultParallel = 32

// Options say how objects are loaded. The zero value is a good one.
type Options struct {
	// Mutate changes an object before it is created, for what only the harness knows, such as the port of
	// a node's fake kubelet. It gets a copy of its own and may be called from several goroutines.
	Mutate func(*unstructured.Unstructured)
	// Skip says which objects to leave out. Nil leaves out none. It may be called from several goroutines.
	Skip func(*unstructured.Unstructured) bool
	// Parallel is the number of requests under way at once. Zero means 32.
	Parallel int
	// Lenient has the API server drop fields that it does not know. Otherwise they are an error, so that
	// an invented field in an example cluster is noticed.
	Lenient bool
	// Storage is where custom resources are written past the API server. Nil means that it is asked for everything.
	Storage *Storage
}

// Result says what was loaded.
type Result struct {
	// Objects is the number of objects that are now in the API server.
	Objects int
	// Duration is how long it took.
	Duration time.Duration
}

// Rejection is an object that the API server did not take.
type Rejection struct {
	// Object names it, such as "Engine longhorn-system/pvc-1-e-0".
	Object string
	// Doing says what was being done, such as "creating" or "writing the status of".
	Doing string
	Err   error
}

func (r *Rejection) Error() string { return fmt.Sprintf("%s %s: %v", r.Doing, r.Object, r.Err) }

// Unwrap returns the API server's error.
func (r *Rejection) Unwrap() error { return r.Err }

// Load reads the folder and puts its objects into the API server. Objects that are there already, such
// as the namespace default, are replaced. The error joins one *Rejection for each object that was not
// taken; all others are loaded all the same.
func Load(ctx context.Context, config *rest.Config, folder string, options Options) (Result, error) {
	objects, err := Read(folder)
	if err != nil {
		return Result{}, err
	}
	loader, err := New(config, options)
	if err != nil {
		return Result{}, err
	}
	return loader.Apply(ctx, objects...)
}

// Apply puts objects into the API server, as Load does.
func Apply(ctx context.Context, config *rest.Config, objects ...*unstructured.Unstructured) error {
	loader, err := New(config, Options{})
	if err != nil {
		return err
	}
	_, err = loader.Apply(ctx, objects...)
	return err
}

// Loader writes objects into one API server. It may be used by several goroutines.
type Loader struct {
	client    dynamic.Interface
	resources *resources
	uids      *uids
	options   Options
}

// New returns a loader for the API server that config leads to. Its client has no rate limit, whatever
// config says.
func New(config *rest.Config, options Options) (*Loader, error) {
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = -1, 0
	// The API server warns of what real clusters do, such as Longhorn's finalizer without a domain.
	config.WarningHandler = rest.NoWarnings{}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a client for loading: %w", err)
	}
	resources, err := newResources(config)
	if err != nil {
		return nil, err
	}
	if options.Parallel == 0 {
		options.Parallel = defaultParallel
	}
	return &Loader{client: client, resources: resources, uids: newUIDs(), options: options}, nil
}

// Apply puts objects into the API server, those that others depend on first. The arguments stay as
// they are. The error joins one *Rejection for each object that was not taken.
func (l *Loader) Apply(ctx context.Context, objects ...*unstructured.Unstructured) (Result, error) {
	start := time.Now()
	var result Result
	var errs []error
	selected := l.selected(objects)
	for _, wave := range waves(selected) {
		for _, group := range inOrderOfUIDs(wave) {
			loaded, rejected := l.each(ctx, group, l.put)
			result.Objects += loaded
			errs = append(errs, rejected...)
		}
	}
	// Deletions come last: a terminating namespace takes no new objects.
	_, rejected := l.each(ctx, terminating(selected), l.terminate)
	errs = append(errs, rejected...)
	if err := ctx.Err(); err != nil {
		errs = append(errs, fmt.Errorf("loading was cut short: %w", err))
	}
	result.Duration = time.Since(start)
	return result, errors.Join(errs...)
}

// selected returns copies of the objects that are to be loaded, mutated.
func (l *Loader) selected(objects []*unstructured.Unstructured) []*unstructured.Unstructured {
	selected := make([]*unstructured.Unstructured, 0, len(objects))
	for _, object := range objects {
		if l.options.Skip != nil && l.options.Skip(object) {
			continue
		}
		object = object.DeepCopy()
		if l.options.Mutate != nil {
			l.options.Mutate(object)
		}
		selected = append(selected, object)
	}
	return selected
}

// each does one thing to every object, several at a time, until ctx ends. It returns how many times that
// went well, and the failures in the objects' order.
func (l *Loader) each(ctx context.Context, objects []*unstructured.Unstructured, do func(context.Context, *unstructured.Unstructured) error) (int, []error) {
	failures := make([]error, len(objects))
	next := make(chan int)
	var group sync.WaitGroup
	for range min(l.options.Parallel, len(objects)) {
		group.Go(func() {
			for i := range next {
				failures[i] = do(ctx, objects[i])
			}
		})
	}
	done := 0
	for ; done < len(objects) && ctx.Err() == nil; done++ {
		next <- done
	}
	close(next)
	group.Wait()
	failed := slices.DeleteFunc(failures, func(err error) bool { return err == nil })
	return done - len(failed), failed
}

// waves sorts objects into groups that are loaded one after the other: what others live in or refer to
// first, what can refuse others last.
func waves(objects []*unstructured.Unstructured) [][]*unstructured.Unstructured {
	byRank := map[int][]*unstructured.Unstructured{}
	for _, object := range objects {
		rank := rank(object)
		byRank[rank] = append(byRank[rank], object)
	}
	ranks := slices.Sorted(maps.Keys(byRank))
	sorted := make([][]*unstructured.Unstructured, len(ranks))
	for i, rank := range ranks {
		sorted[i] = byRank[rank]
	}
	return sorted
}

func rank(object *unstructured.Unstructured) int {
	switch group := object.GroupVersionKind().Group; {
	case group == "" && object.GetKind() == "Namespace":
		return 0
	case group == "apiextensions.k8s.io":
		return 1
	case group == "scheduling.k8s.io", group == "storage.k8s.io", group == "node.k8s.io":
		return 2
	case group == "admissionregistration.k8s.io", group == "apiregistration.k8s.io":
		return 4
	}
	return 3
}

// terminating returns the objects that carry a deletion timestamp.
func terminating(objects []*unstructured.Unstructured) []*unstructured.Unstructured {
	var found []*unstructured.Unstructured
	for _, object := range objects {
		if object.GetDeletionTimestamp() != nil {
			found = append(found, object)
		}
	}
	return found
}

// name names an object for people.
func name(object *unstructured.Unstructured) string {
	name := object.GetName()
	if object.GetNamespace() != "" {
		name = object.GetNamespace() + "/" + name
	}
	return object.GetKind() + " " + name
}
