package drain

import (
	"fmt"
	"net/http"
	"slices"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// defaultWebhookPort is where a webhook is called that names no port.
const defaultWebhookPort = 443

// DeadInterceptor is a webhook that must approve evictions and does not answer, so that the API server refuses them with 500.
type DeadInterceptor struct {
	Denial
	// Webhook is its name.
	Webhook string

	namespaces labels.Selector
	// conditional is true for a webhook with conditions in CEL, which are not evaluated here.
	conditional bool
}

// Concerns tells whether the eviction of a pod fails for this webhook. certain is false where that depends on labels of the pod's
// namespace, or on conditions, neither of which are known here.
func (d DeadInterceptor) Concerns(pod *corev1.Pod) (concerns, certain bool) {
	certain = !d.conditional
	if d.namespaces == nil {
		return true, certain
	}
	requirements, selectable := d.namespaces.Requirements()
	if !selectable {
		return false, true
	}
	name := labels.Set{corev1.LabelMetadataName: pod.Namespace}
	for _, requirement := range requirements {
		if requirement.Key() != corev1.LabelMetadataName {
			certain = false
		} else if !requirement.Matches(name) {
			return false, true
		}
	}
	return true, certain
}

// DeadInterceptors returns the webhooks that intercept evictions, fail closed and do not answer, in no particular order; KubeVirt's is one
// of them when virt-api is down (harvester/harvester#8298). A webhook that is reached by URL is taken to answer.
func DeadInterceptors(s *cluster.Snapshot) []DeadInterceptor {
	var dead []DeadInterceptor
	for _, configuration := range s.ValidatingWebhooks() {
		for _, w := range configuration.Webhooks {
			call := interceptor{w.Name, w.ClientConfig, w.Rules, w.FailurePolicy, w.NamespaceSelector, w.ObjectSelector, w.MatchConditions}
			dead = appendDead(dead, s, "ValidatingWebhookConfiguration", configuration, call)
		}
	}
	for _, configuration := range s.MutatingWebhooks() {
		for _, w := range configuration.Webhooks {
			call := interceptor{w.Name, w.ClientConfig, w.Rules, w.FailurePolicy, w.NamespaceSelector, w.ObjectSelector, w.MatchConditions}
			dead = appendDead(dead, s, "MutatingWebhookConfiguration", configuration, call)
		}
	}
	return dead
}

// interceptor is a webhook of either kind.
type interceptor struct {
	name       string
	client     admissionv1.WebhookClientConfig
	rules      []admissionv1.RuleWithOperations
	policy     *admissionv1.FailurePolicyType
	namespaces *metav1.LabelSelector
	objects    *metav1.LabelSelector
	conditions []admissionv1.MatchCondition
}

func appendDead(dead []DeadInterceptor, s *cluster.Snapshot, kind string, configuration client.Object, call interceptor) []DeadInterceptor {
	service := call.client.Service
	failsOpen := call.policy != nil && *call.policy == admissionv1.Ignore
	if failsOpen || service == nil || !InterceptsEvictions(call.rules) || !selectsEvictions(call.objects) {
		return dead
	}
	port := int32(defaultWebhookPort)
	if service.Port != nil {
		port = *service.Port
	}
	because, restarts := s.Unanswered(service.Namespace, service.Name, port)
	if because == "" {
		return dead
	}
	d := DeadInterceptor{Webhook: call.name, conditional: len(call.conditions) > 0, Denial: Denial{
		Object: configuration, Code: http.StatusInternalServerError, Passing: restarts,
		Because: fmt.Sprintf("webhook %s must approve evictions, and service %s/%s behind it %s", call.name, service.Namespace, service.Name, because),
		Evidence: []string{
			fmt.Sprintf("%s %s webhooks %s", kind, configuration.GetName(), call.name),
			fmt.Sprintf("EndpointSlices of Service %s/%s", service.Namespace, service.Name),
		},
	}}
	if call.namespaces != nil {
		selector, err := metav1.LabelSelectorAsSelector(call.namespaces)
		if err != nil {
			d.conditional = true
		} else {
			d.namespaces = selector
		}
	}
	return append(dead, d)
}

// selectsEvictions tells whether a webhook's object selector takes in what the drain sends, an Eviction without labels.
func selectsEvictions(objects *metav1.LabelSelector) bool {
	if objects == nil {
		return true
	}
	selector, err := metav1.LabelSelectorAsSelector(objects)
	return err != nil || selector.Matches(labels.Set{})
}

// InterceptsEvictions tells whether a webhook with these rules is asked about the eviction of a pod.
func InterceptsEvictions(rules []admissionv1.RuleWithOperations) bool {
	return slices.ContainsFunc(rules, func(rule admissionv1.RuleWithOperations) bool {
		return overlaps(rule.APIGroups, "", "*") && overlaps(rule.Operations, admissionv1.Create, admissionv1.OperationAll) &&
			overlaps(rule.Resources, "pods/eviction", "pods/*", "*/eviction", "*/*")
	})
}

func overlaps[T comparable](list []T, wanted ...T) bool {
	return slices.ContainsFunc(list, func(item T) bool { return slices.Contains(wanted, item) })
}
