package cluster

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// pageSize is how many objects one request of a live read asks for: as good as all. Since Kubernetes 1.31 an API server answers the
// first page out of its watch cache, and any other out of etcd, decoded anew: 45,000 replicas in pages of 5,000 took it twelve seconds of CPU,
// and at once two. The limit is there for clusters that are larger than any.
const pageSize = 100_000

// Live reads the API server itself, past every cache of ours: each list is consistent, that is, no older than the moment
// of the request. Its objects are trimmed like those of the watch cache.
type Live struct {
	options LiveOptions
	// reused is what the watch cache's last Snapshot was made of; nil where nobody's objects are reused.
	reused *memo
}

// LiveOptions configure NewLive.
type LiveOptions struct {
	// Reader lists from the API server; required.
	Reader *Reader
	// Prober asks the kubelets, and everybody for certificates; required for Probe.
	Prober *Prober
	// Now is the clock; required.
	Now func() time.Time
	// ReadSecrets reads the kinds that the operator has to grant; by default they are NotGranted.
	ReadSecrets bool
}

// NewLive returns a live source. It calls nobody yet.
func NewLive(options LiveOptions) *Live { return &Live{options: options} }

// Reuse has live reads hold the watch cache's object in the place of each that the API server lists in the very same version, so that it need
// not be decoded, a second cluster is not in memory while an upgrade is judged, and what is indexed of the same objects is not indexed again.
// Which objects there are, and in which versions, is what the API server answers. Call it before the first read.
func (l *Live) Reuse(cached *Cached) {
	l.options.Reader.known = cached.known
	l.reused = cached.memo.borrow()
}

func (l *Live) lastLoaded() *memo { return l.reused }

// NewMapper returns the mapping from kinds to URLs that the table of kinds gives.
func NewMapper() meta.RESTMapper {
	mapper := meta.NewDefaultRESTMapper(nil)
	for _, r := range Resources() {
		scope := meta.RESTScopeRoot
		if r.Namespaced {
			scope = meta.RESTScopeNamespace
		}
		plural := r.GVK.GroupVersion().WithResource(r.Plural)
		mapper.AddSpecific(r.GVK, plural, plural, scope)
	}
	return mapper
}

// Name implements Source.
func (l *Live) Name() string { return "a live read of the API server" }

// List implements Source.
func (l *Live) List(ctx context.Context, resource Resource) ([]client.Object, Evidence) {
	started := l.options.Now()
	if resource.Grant != nil {
		return l.listGranted(ctx, resource)
	}
	objects, version, err := listPages(func(next string) ([]client.Object, metav1.ListMeta, error) {
		return l.options.Reader.Page(ctx, resource, pageSize, next)
	})
	if err != nil {
		return nil, explainList(resource, err)
	}
	return objects, Evidence{State: Read, ReadAt: started, ResourceVersion: version}
}

// listPages asks for page after page until there is no other.
func listPages(page func(next string) ([]client.Object, metav1.ListMeta, error)) ([]client.Object, string, error) {
	objects, version, err := listPagesOnce(page)
	if apierrors.IsResourceExpired(err) || brokeOff(err) {
		// The list's version was compacted away between two pages, or the connection was lost: an API server of several
		// is restarted. Start again, on another connection; a second time is an error.
		return listPagesOnce(page)
	}
	return objects, version, err
}

// brokeOff tells the failure of a connection from an answer of the API server, and from the end of our own time.
func brokeOff(err error) bool {
	if err == nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return false
	}
	status := apierrors.APIStatus(nil)
	return !errors.As(err, &status)
}

func listPagesOnce(page func(next string) ([]client.Object, metav1.ListMeta, error)) ([]client.Object, string, error) {
	var objects []client.Object
	for next := ""; ; {
		found, list, err := page(next)
		if err != nil {
			return nil, "", err
		}
		objects = append(objects, found...)
		if next = list.Continue; next == "" {
			return objects, list.ResourceVersion, nil
		}
	}
}

// Probe implements Source.
func (l *Live) Probe(ctx context.Context, targets Targets) Probed {
	return l.options.Prober.Probe(ctx, targets)
}

// explainList turns the error of a list into evidence: a kind that the API server does not know is not installed where
// a healthy Harvester may lack it, and everything else is unread.
func explainList(resource Resource, err error) Evidence {
	switch {
	case meta.IsNoMatchError(err), isUnknownResource(err):
		if resource.Optional != "" {
			return Evidence{Kind: resource.Kind, State: NotInstalled, Because: resource.Optional + " is not installed"}
		}
		return unread(resource.Kind, "its CRD is missing")
	case apierrors.IsForbidden(err):
		e := unread(resource.Kind, "not allowed to list them, which ClusterRole upgrade-gate-reader should allow")
		e.Forbidden = true
		return e
	case apierrors.IsUnauthorized(err):
		return unread(resource.Kind, "the API server does not accept our credentials")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return late(resource.Kind)
	}
	// The URL, which the error begins with, would fill the room that a refusal has for the reason.
	if request := (*url.Error)(nil); errors.As(err, &request) {
		err = unreachable{request.Err}
	}
	if lost := (unreachable{}); errors.As(err, &lost) {
		return unread(resource.Kind, "the API server cannot be reached: "+firstLine([]byte(lost.Error())))
	}
	return unread(resource.Kind, "listing failed: "+firstLine([]byte(err.Error())))
}

// isUnknownResource tells a missing CRD from other reasons to answer 404: lists of a known resource never do.
func isUnknownResource(err error) bool {
	status := apierrors.APIStatus(nil)
	if !errors.As(err, &status) {
		return false
	}
	return status.Status().Reason == metav1.StatusReasonNotFound ||
		strings.Contains(status.Status().Message, "could not find the requested resource")
}
