package drain_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

func inHarvester(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: cluster.HarvesterNamespace, Name: name, ResourceVersion: "1"}
}

// virtAPI returns the Service of KubeVirt's webhooks and its EndpointSlice, of one endpoint.
func virtAPI(ready bool) []client.Object {
	service := &corev1.Service{ObjectMeta: inHarvester("virt-api")}
	service.Spec.Ports = []corev1.ServicePort{{Port: 443}}
	slice := &discoveryv1.EndpointSlice{ObjectMeta: inHarvester("virt-api-1")}
	slice.Labels = map[string]string{discoveryv1.LabelServiceName: "virt-api"}
	slice.Ports = []discoveryv1.EndpointPort{{}}
	slice.Endpoints = []discoveryv1.Endpoint{{Addresses: []string{"10.52.0.9"}, Conditions: discoveryv1.EndpointConditions{Ready: &ready}}}
	return []client.Object{service, slice}
}

func evictionRules(resources ...string) []admissionv1.RuleWithOperations {
	return []admissionv1.RuleWithOperations{{
		Operations: []admissionv1.OperationType{admissionv1.OperationAll},
		Rule:       admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: resources},
	}}
}

// interception returns KubeVirt's webhook for evictions.
func interception(changes ...func(*admissionv1.ValidatingWebhook)) *admissionv1.ValidatingWebhookConfiguration {
	fail, port := admissionv1.Fail, int32(443)
	w := admissionv1.ValidatingWebhook{
		Name: "interceptor.kubevirt.io", FailurePolicy: &fail, Rules: evictionRules("pods/eviction"),
		ClientConfig: admissionv1.WebhookClientConfig{Service: &admissionv1.ServiceReference{Namespace: cluster.HarvesterNamespace, Name: "virt-api", Port: &port}},
	}
	changed(&w, changes)
	return &admissionv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "virt-api-validator", ResourceVersion: "1"}, Webhooks: []admissionv1.ValidatingWebhook{w}}
}

func TestDeadInterceptors(t *testing.T) {
	type change = func(*admissionv1.ValidatingWebhook)
	all := func(changes ...change) []client.Object { return append(virtAPI(false), interception(changes...)) }
	dead := "webhook interceptor.kubevirt.io must approve evictions, and service harvester-system/virt-api behind it has no ready endpoint"
	ignore := admissionv1.Ignore
	other := int32(8443)
	cases := map[string]struct {
		objects []client.Object
		// want is empty for a webhook that holds nothing.
		want string
		// uncertain is true where whether it concerns a pod of namespace shop depends on what is not known.
		uncertain bool
	}{
		"a webhook without a ready endpoint holds every eviction": {all(), dead, false},
		"a webhook that answers holds nothing":                    {append(virtAPI(true), interception()), "", false},
		"a webhook whose Service is gone holds":                   {[]client.Object{interception()}, "webhook interceptor.kubevirt.io must approve evictions, and service harvester-system/virt-api behind it does not exist", false},
		"a webhook on a port that the Service lacks holds":        {append(virtAPI(true), interception(func(w *admissionv1.ValidatingWebhook) { w.ClientConfig.Service.Port = &other })), "webhook interceptor.kubevirt.io must approve evictions, and service harvester-system/virt-api behind it has no port 8443", false},
		"a webhook that names no port is called on 443":           {append(virtAPI(true), interception(func(w *admissionv1.ValidatingWebhook) { w.ClientConfig.Service.Port = nil })), "", false},
		"a webhook that fails open holds nothing":                 {all(func(w *admissionv1.ValidatingWebhook) { w.FailurePolicy = &ignore }), "", false},
		"a webhook that does not say fails closed":                {all(func(w *admissionv1.ValidatingWebhook) { w.FailurePolicy = nil }), dead, false},
		"a webhook for pods alone is not asked":                   {all(func(w *admissionv1.ValidatingWebhook) { w.Rules = evictionRules("pods") }), "", false},
		"a webhook for all of a pod is asked":                     {all(func(w *admissionv1.ValidatingWebhook) { w.Rules = evictionRules("pods/*") }), dead, false},
		"a webhook reached by URL is taken to answer":             {all(func(w *admissionv1.ValidatingWebhook) { w.ClientConfig.Service = nil }), "", false},
		"a webhook for labelled objects is not asked about an Eviction": {all(func(w *admissionv1.ValidatingWebhook) {
			w.ObjectSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
		}), "", false},
		"a webhook for this namespace holds": {all(func(w *admissionv1.ValidatingWebhook) {
			w.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: "shop"}}
		}), dead, false},
		"a webhook for another namespace does not": {all(func(w *admissionv1.ValidatingWebhook) {
			w.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: "other"}}
		}), "", false},
		"a webhook for labels of namespaces may hold": {all(func(w *admissionv1.ValidatingWebhook) {
			w.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"team": "a"}}
		}), dead, true},
		"a webhook with conditions may hold": {all(func(w *admissionv1.ValidatingWebhook) {
			w.MatchConditions = []admissionv1.MatchCondition{{Name: "mine", Expression: "false"}}
		}), dead, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			said, certain := "", true
			for _, d := range drain.DeadInterceptors(snapshotOfObjects(t, c.objects...)) {
				concerns, sure := d.Concerns(webPod("a"))
				if concerns {
					said, certain = d.Because, sure
				}
			}
			if diff := cmp.Diff(said, c.want); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(!certain, c.uncertain); diff != "" {
				t.Errorf("uncertain: %s", diff)
			}
		})
	}
}

func TestADeadMutatingWebhookHoldsAsWell(t *testing.T) {
	w := interception().Webhooks[0]
	configuration := &admissionv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "mutator", ResourceVersion: "1"}}
	configuration.Webhooks = []admissionv1.MutatingWebhook{{Name: w.Name, ClientConfig: w.ClientConfig, Rules: w.Rules, FailurePolicy: w.FailurePolicy}}
	dead := drain.DeadInterceptors(snapshotOfObjects(t, append(virtAPI(false), configuration)...))
	if len(dead) != 1 || !dead[0].Passing {
		t.Errorf("got %+v, want one that may pass", dead)
	}
}
