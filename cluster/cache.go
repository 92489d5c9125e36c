package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Cached is the watch cache: every kind of the table, trimmed to what checks read, kept current by watches. Its objects
// are shared, never copied.
type Cached struct {
	cache     cache.Cache
	informers map[Kind]toolscache.SharedIndexInformer
	poller    *Poller
	now       func() time.Time
	memo      *memo
	sharing   *sharing
	reach     *reach

	mu      sync.Mutex
	failing map[string]watchFailure
}

// watchFailure is the last error of a kind's watch, and where the watch stood then.
type watchFailure struct {
	err     error
	since   time.Time
	version string
}

// CachedOptions configure NewCached.
type CachedOptions struct {
	// Config says how to reach the API server.
	Config *rest.Config
	// Poller keeps the last answers to what is probed; required.
	Poller *Poller
	// Now is the clock; required.
	Now func() time.Time
}

// NewCached prepares the informers of every kind. A kind that cannot be watched, now or later, does not stop the others:
// its evidence says why, and it is retried for ever.
func NewCached(options CachedOptions) (*Cached, error) {
	scheme, err := NewScheme()
	if err != nil {
		return nil, err
	}
	c := &Cached{poller: options.Poller, now: options.Now, memo: newMemo(), sharing: newSharing(), reach: newReach(options.Now), failing: map[string]watchFailure{}, informers: map[Kind]toolscache.SharedIndexInformer{}}
	config := rest.CopyConfig(options.Config)
	config.Wrap(c.reach.watch)
	c.cache, err = cache.New(config, cache.Options{
		Scheme: scheme, Mapper: NewMapper(), ByObject: trimmed(c.sharing), DefaultWatchErrorHandler: c.watchFailed,
		NewInformer: func(watched toolscache.ListerWatcher, object runtime.Object, resync time.Duration, _ toolscache.Indexers) toolscache.SharedIndexInformer {
			return toolscache.NewSharedIndexInformer(watched, object, resync, nil) // nobody looks for the objects of a namespace
		},
	})
	if err != nil {
		return nil, fmt.Errorf("build the watch cache: %w", err)
	}
	for _, resource := range watchedResources() {
		informer, err := c.cache.GetInformer(context.Background(), resource.newObject(), cache.BlockUntilSynced(false))
		if err != nil {
			return nil, fmt.Errorf("watch %s: %w", resource.Kind, err)
		}
		shared, ok := informer.(toolscache.SharedIndexInformer)
		if !ok {
			return nil, fmt.Errorf("watch %s: the informer gives no access to its store", resource.Kind)
		}
		c.informers[resource.Kind] = shared
	}
	return c, nil
}

// trimmed says what is watched of each kind, and that it is trimmed, with equal parts in memory once.
func trimmed(sharing *sharing) map[client.Object]cache.ByObject {
	byObject := map[client.Object]cache.ByObject{}
	for _, resource := range watchedResources() {
		byObject[resource.newObject()] = cache.ByObject{
			Label: resource.Select.labelSelector(), Field: resource.Select.fieldSelector(), Transform: sharing.trim(resource),
		}
	}
	return byObject
}

// Start keeps the cache current until ctx ends.
func (c *Cached) Start(ctx context.Context) error {
	go c.poller.run(ctx, c.targets)
	go c.settle(ctx)
	if err := c.cache.Start(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("run the watch cache: %w", err)
	}
	return nil
}

// settle waits until everything has been listed, and then has what was remembered for sharing forgotten.
func (c *Cached) settle(ctx context.Context) {
	listed := func(context.Context) (bool, error) { return c.Synced() == nil, nil }
	if wait.PollUntilContextCancel(ctx, time.Second, true, listed) == nil {
		c.sharing.settle()
	}
}

// Synced tells whether every kind has been listed once, or cannot be and says why; the error names those that are still
// on their way.
func (c *Cached) Synced() error {
	for _, resource := range watchedResources() {
		if c.informers[resource.Kind].HasSynced() {
			continue
		}
		if _, failed := c.failure(resource); !failed {
			return fmt.Errorf("%s are not in the watch cache yet", resource.Kind)
		}
	}
	return nil
}

// Polled tells whether all that is polled has been asked for once; the error names what has not.
func (c *Cached) Polled() error { return c.poller.answered() }

// Staleness returns for each kind how long its watch has been failing; zero while it works.
func (c *Cached) Staleness() map[Kind]time.Duration {
	ages := make(map[Kind]time.Duration, len(c.informers))
	for _, resource := range watchedResources() {
		ages[resource.Kind] = 0
		if failure, failed := c.failure(resource); failed {
			ages[resource.Kind] = c.now().Sub(failure.since)
		}
	}
	return ages
}

// Name implements Source.
func (c *Cached) Name() string { return "the watch cache" }

// List implements Source. A kind whose watch fails now is unread: what the cache still holds of it may be gone.
func (c *Cached) List(_ context.Context, resource Resource) ([]client.Object, Evidence) {
	if resource.polled() {
		return c.poller.list(resource)
	}
	if failure, failed := c.failure(resource); failed {
		return nil, explainList(resource, failure.err)
	}
	informer := c.informers[resource.Kind]
	if !informer.HasSynced() {
		return nil, unread(resource.Kind, "not in the watch cache yet")
	}
	items := informer.GetStore().List()
	objects := make([]client.Object, len(items))
	for i, item := range items {
		objects[i] = item.(client.Object)
	}
	return objects, Evidence{State: Read, ReadAt: c.now(), ResourceVersion: informer.LastSyncResourceVersion()}
}

// Probe implements Source with the answers of the last poll.
func (c *Cached) Probe(_ context.Context, targets Targets) Probed {
	probed := c.poller.Last()
	probed.CertificatesUnread = targets.Unknown
	return probed
}

func (c *Cached) lastLoaded() *memo { return c.memo }

// watching is the watch cache for one who only looks on.
type watching struct{ *Cached }

func (w watching) Probe(_ context.Context, targets Targets) Probed {
	probed := w.poller.seen()
	probed.CertificatesUnread = targets.Unknown
	return probed
}

// LookingOn returns the watch cache for one who looks at it from time to time, and for whom nobody has to be asked any sooner.
func (c *Cached) LookingOn() Source { return watching{c} }

// targets returns the servers that are polled now, as far as they are in the watch cache.
func (c *Cached) targets() Targets {
	return newTargets(stored[*corev1.Node](c.informers[Nodes]), stored[*discoveryv1.EndpointSlice](c.informers[EndpointSlices]), "")
}

// stored returns the objects that an informer holds; none before all of them are there.
func stored[T client.Object](informer toolscache.SharedIndexInformer) []T {
	if !informer.HasSynced() {
		return nil
	}
	items := informer.GetStore().List()
	objects := make([]T, len(items))
	for i, item := range items {
		objects[i] = item.(T)
	}
	return objects
}

// known returns the watch cache's object of that name, if it is of that version; nil otherwise. The API server gives no two states of an object
// the same version, and none again to an object that takes the name of another.
func (c *Cached) known(resource Resource, namespace, name, version string) client.Object {
	informer, watched := c.informers[resource.Kind]
	if !watched {
		return nil
	}
	key := name
	if resource.Namespaced {
		key = namespace + "/" + name
	}
	item, held, err := informer.GetStore().GetByKey(key)
	if err != nil || !held {
		return nil
	}
	if object := item.(client.Object); object.GetResourceVersion() == version {
		return object
	}
	return nil
}

func (c *Cached) watchFailed(_ context.Context, reflector *toolscache.Reflector, err error) {
	if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) || errors.Is(err, io.EOF) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	key := reflector.TypeDescription()
	since := c.now()
	if earlier, ok := c.failing[key]; ok && earlier.version == reflector.LastSyncResourceVersion() {
		since = earlier.since
	}
	c.failing[key] = watchFailure{err: err, since: since, version: reflector.LastSyncResourceVersion()}
}

// failure returns the failure of a kind's watch if the watch has not moved since.
func (c *Cached) failure(resource Resource) (watchFailure, bool) {
	if failure, failed := c.reach.failure(resource.Path()); failed {
		return failure, true
	}
	key := fmt.Sprintf("%T", resource.newObject())
	c.mu.Lock()
	defer c.mu.Unlock()
	failure, ok := c.failing[key]
	if !ok {
		return watchFailure{}, false
	}
	if c.informers[resource.Kind].LastSyncResourceVersion() != failure.version {
		delete(c.failing, key)
		return watchFailure{}, false
	}
	return failure, true
}
