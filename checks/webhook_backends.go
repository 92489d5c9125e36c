package checks

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const (
	// webhookRestart is how long the only pod behind a Service may take to be replaced by another.
	webhookRestart = 2 * time.Minute
	// defaultWebhookPort is where a webhook is called that names no port.
	defaultWebhookPort = 443
)

// outage is why the API server reaches nobody behind a Service.
type outage struct {
	// service names it, "service harvester-system/virt-api".
	service string
	// fact says what is wrong with it: "has no ready endpoint".
	fact string
	// look is the command that shows more.
	look string
	// restarts is true where a pod that is being replaced looks the same for a moment.
	restarts bool
	// since is when it began, as far as known.
	since time.Time
}

// passes tells whether an outage may yet end by itself.
func (o *outage) passes(p *Pass) bool {
	return o.restarts && (o.since.IsZero() || p.Age(o.since) < webhookRestart)
}

type backend struct {
	service types.NamespacedName
	port    int32
}

// backends are the Services that the API server calls, each judged once.
type backends struct {
	p      *Pass
	judged map[backend]*outage
}

func newBackends(p *Pass) *backends { return &backends{p: p, judged: map[backend]*outage{}} }

// areKnown tells whether all Services of a namespace are known, and who is behind them.
func (b *backends) areKnown(namespace string) bool {
	return b.p.Knows(cluster.Services, namespace) && b.p.Knows(cluster.EndpointSlices, namespace)
}

// outageOf says why nobody answers behind a Service; nil where somebody does, or where that cannot be said.
func (b *backends) outageOf(namespace, name string, port *int32) *outage {
	key := backend{service: types.NamespacedName{Namespace: namespace, Name: name}, port: defaultWebhookPort}
	if port != nil {
		key.port = *port
	}
	if down, ok := b.judged[key]; ok {
		return down
	}
	down := judgeBackend(b.p, key)
	b.judged[key] = down
	return down
}

func judgeBackend(p *Pass, b backend) *outage {
	down := &outage{service: "service " + b.service.String()}
	service := p.Service(b.service.Namespace, b.service.Name)
	down.look = lookAt(service, b.service.Namespace, b.service.Name)
	down.fact, down.restarts = p.Unanswered(b.service.Namespace, b.service.Name, b.port)
	if down.fact == "" {
		return nil
	}
	if !down.restarts {
		return down
	}
	for _, slice := range p.EndpointSlicesOf(b.service.Namespace, b.service.Name) {
		if at := timeOf(slice.Annotations[cluster.AnnotationLastChange]); at.After(down.since) {
			down.since = at
		}
	}
	down.fact += lasting(p, down.since)
	return down
}

// lookAt returns the command that shows what is behind a Service; service is nil where there is none.
func lookAt(service *corev1.Service, namespace, name string) string {
	switch {
	case service == nil:
		return fmt.Sprintf("kubectl -n %s get services,deployments,pods", namespace)
	case len(service.Spec.Selector) > 0:
		return fmt.Sprintf("kubectl -n %s get pods -o wide -l %s", namespace, labels.Set(service.Spec.Selector))
	}
	return fmt.Sprintf("kubectl -n %s get endpointslices -l %s=%s", namespace, discoveryv1.LabelServiceName, name)
}

// withOutages completes a finding about what depends on Services that do not answer. remove is the command that removes what
// depends on them, empty where that is never right.
func withOutages(p *Pass, f Finding, outages []*outage, remove string) Finding {
	f.Transient = true
	var looks []string
	for _, down := range outages {
		f.Transient = f.Transient && down.passes(p)
		looks = append(looks, down.look)
		if !down.since.IsZero() && (f.Since.IsZero() || down.since.Before(f.Since)) {
			f.Since = down.since
		}
	}
	look := strings.Join(looks, "; ")
	if f.Transient {
		f.Settles = webhookRestart
		f.Remedy = fmt.Sprintf("wait %s, in which a pod is replaced, and try again. If it stays: %s.", spell(webhookRestart), look)
		return f
	}
	f.Remedy = fmt.Sprintf("bring what should answer back: %s.", look)
	if remove != "" {
		f.Remedy += fmt.Sprintf(" Only if its component was removed: %s.", remove)
	}
	return f
}
