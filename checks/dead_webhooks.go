package checks

import (
	"fmt"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

// conversionByWebhook is the strategy of a CustomResourceDefinition that needs a webhook; conversionNone is the other one.
const (
	conversionByWebhook = "Webhook"
	conversionNone      = "None"
)

// apiServiceAvailable is the condition of an APIService that tells whether its Service answers.
const apiServiceAvailable = "Available"

// deadWebhooks finds what the API server must ask and gets no answer from.
func deadWebhooks() Check {
	return Check{
		Name:  "dead-webhooks",
		Title: "Webhooks or API services do not answer",
		Why: "The API server refuses every write that a webhook must approve and cannot be asked about: charts are not installed, pods are not created, and " +
			"the upgrade stays in Upgrading System Services. Where it is evictions that cannot be approved, every node stays in Pre-drained. Behind an API service or a " +
			"conversion that does not answer, Helm and the garbage collector stop as well.",
		Finds: "Validating and mutating webhooks that fail closed, and conversions of CustomResourceDefinitions, whose Service does not exist, lacks the " +
			"port, or has no ready endpoint; and API services that are not available.",
		Beyond: "Webhooks that are reached by URL, and a webhook that takes connections and does not answer, are not seen through the API.",
		Remedy: "bring the pods behind the Service back; if the component was removed, remove what it left: " +
			"kubectl delete validatingwebhookconfiguration NAME, or mutatingwebhookconfiguration, or apiservice.",
		Severity: Block,
		Waivable: true,
		Needs: []cluster.Kind{
			cluster.ValidatingWebhooks, cluster.MutatingWebhooks, cluster.APIServices, cluster.CustomResourceDefinitions, cluster.Services, cluster.EndpointSlices,
		},
		AsksKnown: []cluster.Kind{cluster.Services, cluster.EndpointSlices},
		Sources: []string{
			"harvester/harvester#11730", "harvester/harvester#11470", "harvester/harvester#11496", "harvester/harvester#6851", "harvester/harvester#2088",
			"harvester/harvester#8309", "harvester/harvester#3983", "harvester/harvester#8298", "kubernetes/apiserver pkg/util/proxy ResolveEndpoint",
		},
		Run: runDeadWebhooks,
	}
}

func runDeadWebhooks(p *Pass) error {
	backends := newBackends(p)
	for _, configuration := range p.ValidatingWebhooks() {
		calls := make([]webhookCall, 0, len(configuration.Webhooks))
		for _, w := range configuration.Webhooks {
			calls = append(calls, webhookCall{w.Name, w.ClientConfig, w.Rules, w.FailurePolicy})
		}
		reportDeadWebhooks(p, backends, configuration, calls)
	}
	for _, configuration := range p.MutatingWebhooks() {
		calls := make([]webhookCall, 0, len(configuration.Webhooks))
		for _, w := range configuration.Webhooks {
			calls = append(calls, webhookCall{w.Name, w.ClientConfig, w.Rules, w.FailurePolicy})
		}
		reportDeadWebhooks(p, backends, configuration, calls)
	}
	for _, crd := range p.CustomResourceDefinitions() {
		reportDeadConversion(p, backends, crd)
	}
	for _, service := range p.APIServices() {
		reportUnavailableAPIService(p, service)
	}
	return nil
}

// webhookCall is a webhook of either kind.
type webhookCall struct {
	name   string
	client admissionv1.WebhookClientConfig
	rules  []admissionv1.RuleWithOperations
	policy *admissionv1.FailurePolicyType
}

// failsClosed tells whether the API server refuses a write when the webhook does not answer. That is the default. A webhook
// without rules is never called.
func (w webhookCall) failsClosed() bool {
	return len(w.rules) > 0 && (w.policy == nil || *w.policy == admissionv1.Fail)
}

// reportDeadWebhooks reports the webhooks of one configuration that do not answer, by the Service that they share.
func reportDeadWebhooks(p *Pass, backends *backends, configuration client.Object, calls []webhookCall) {
	callers := map[*outage][]string{}
	var outages []*outage
	evictions := false
	unread := map[string][]string{}
	for _, call := range calls {
		service := call.client.Service
		switch {
		case call.policy != nil && *call.policy != admissionv1.Fail && *call.policy != admissionv1.Ignore:
			p.Unknownf(configuration, "the failure policy of its webhook %s is %q", call.name, *call.policy)
			continue
		case !call.failsClosed() || service == nil && call.client.URL != nil:
			continue
		case service == nil:
			p.Unknownf(configuration, "its webhook %s names neither a Service nor a URL", call.name)
			continue
		case !backends.areKnown(service.Namespace):
			name := service.Namespace + "/" + service.Name
			unread[name] = append(unread[name], call.name)
			continue
		}
		down := backends.outageOf(service.Namespace, service.Name, service.Port)
		if down == nil {
			continue
		}
		if callers[down] == nil {
			outages = append(outages, down)
		}
		callers[down] = append(callers[down], call.name)
		evictions = evictions || drain.InterceptsEvictions(call.rules)
	}
	for name, webhooks := range unread {
		p.Unknownf(configuration, "service %s behind its %s is in a namespace that was not collected", name, webhooksInWords(webhooks))
	}
	if len(outages) == 0 {
		return
	}
	var facts []string
	for _, down := range outages {
		facts = append(facts, fmt.Sprintf("%s behind its %s %s", down.service, webhooksInWords(callers[down]), down.fact))
	}
	kind := ObjectOf(configuration).Kind
	f := Finding{Object: ObjectOf(configuration), Message: fmt.Sprintf("%s %s fails closed, and %s", kind, configuration.GetName(), strings.Join(facts, ", and "))}
	if evictions {
		f.Message += ": every eviction that it intercepts is refused"
	}
	p.Report(withOutages(p, f, outages, fmt.Sprintf("kubectl delete %s %s", strings.ToLower(kind), configuration.GetName())))
}

// webhooksInWords names the first of several webhooks in a configuration, of which KubeVirt's has some thirty.
func webhooksInWords(names []string) string {
	if len(names) == 1 {
		return "webhook " + names[0]
	}
	return fmt.Sprintf("webhook %s and %d more", names[0], len(names)-1)
}

func reportDeadConversion(p *Pass, backends *backends, crd *cluster.CustomResourceDefinition) {
	conversion := crd.Spec.Conversion
	switch {
	case conversion == nil || cluster.Text(conversion.Strategy) == "" || conversion.Strategy == conversionNone:
		return
	case conversion.Strategy != conversionByWebhook:
		p.Unknownf(crd, "its conversion strategy is %q", conversion.Strategy)
		return
	case conversion.Webhook == nil || conversion.Webhook.ClientConfig == nil:
		p.Unknownf(crd, "its conversion webhook has no address")
		return
	case conversion.Webhook.ClientConfig.Service == nil:
		return // It is reached by URL.
	}
	service := conversion.Webhook.ClientConfig.Service
	if !backends.areKnown(service.Namespace) {
		p.Unknownf(crd, "service %s/%s, which converts its objects, is in a namespace that was not collected", service.Namespace, service.Name)
		return
	}
	down := backends.outageOf(service.Namespace, service.Name, service.Port)
	if down == nil {
		return
	}
	f := Finding{Object: ObjectOf(crd), Message: fmt.Sprintf("objects of %s cannot be converted between versions: %s %s", crd.Name, down.service, down.fact)}
	p.Report(withOutages(p, f, []*outage{down}, "")) // Whoever deletes the definition deletes all its objects.
}

func reportUnavailableAPIService(p *Pass, service *cluster.APIService) {
	backend := service.Spec.Service
	if backend == nil {
		return // The API server serves it itself.
	}
	available := cluster.Condition(service.Status.Conditions, apiServiceAvailable)
	switch {
	case available == nil:
		p.Unknownf(service, "it reports no condition %s", apiServiceAvailable)
		return
	case available.Status == string(corev1.ConditionTrue):
		return
	case available.Status != string(corev1.ConditionFalse):
		p.Unknownf(service, "its condition %s is %q", apiServiceAvailable, available.Status)
		return
	}
	down := &outage{service: fmt.Sprintf("service %s/%s", backend.Namespace, backend.Name), restarts: true, since: conditionSince(available)}
	down.look = lookAt(p.Service(backend.Namespace, backend.Name), backend.Namespace, backend.Name)
	f := Finding{Object: ObjectOf(service), Message: fmt.Sprintf("API service %s behind %s is not available%s%s", service.Name, down.service, inParentheses(available.Reason), lasting(p, down.since))}
	p.Report(withOutages(p, f, []*outage{down}, "kubectl delete apiservice "+service.Name))
}
