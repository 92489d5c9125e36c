// Package manifests builds the Kubernetes objects that deploy/ installs and that
// have to agree with code: the two webhook configurations, cert-manager's objects
// and the reader's ClusterRole. The program in deploy/generate writes them as YAML.
package manifests

import (
	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// Namespace is where everything of Upgrade Gate runs.
	Namespace = "upgrade-gate"
	// Name is that of the Deployment, the Service, the ServiceAccount and the
	// ValidatingWebhookConfiguration.
	Name = "upgrade-gate"
	// MutatingConfigurationName is that of the MutatingWebhookConfiguration.
	MutatingConfigurationName = "upgrade-gate-advance"

	// ValidatingWebhookName stands in every refusal that people read.
	ValidatingWebhookName = "upgrade-gate.upgradegate.io"
	// MutatingWebhookName stands in a refusal that is given in advance.
	MutatingWebhookName = "advance.upgrade-gate.upgradegate.io"

	// ValidatingPath and MutatingPath are where the webhook server listens.
	ValidatingPath = "/validate"
	MutatingPath   = "/mutate"
)

// targetChanged lets every CREATE through, and of the UPDATEs those that change
// what is upgraded to. Harvester's controller reports its progress by updates of
// the whole object (the CRD has no status subresource), and those must not be
// judged. Both fields are optional. Written with has() and not with CEL's optional
// types, which API servers older than 1.29 do not know.
const targetChanged = `request.operation == 'CREATE' ||
(has(object.spec) && has(object.spec.version) ? object.spec.version : '') !=
(has(oldObject.spec) && has(oldObject.spec.version) ? oldObject.spec.version : '') ||
(has(object.spec) && has(object.spec.image) ? object.spec.image : '') !=
(has(oldObject.spec) && has(oldObject.spec.image) ? oldObject.spec.image : '')
`

// ValidatingConfiguration returns the registration that decides: without our
// answer no upgrade starts. The caller may replace clientConfig. Both configurations
// also name every field that an API server would fill in: what compares the object
// in the cluster with the manifest then finds only a caBundle that the manifest
// lacks, and no list of webhooks that looks modified.
func ValidatingConfiguration() *admissionv1.ValidatingWebhookConfiguration {
	return &admissionv1.ValidatingWebhookConfiguration{
		TypeMeta:   metav1.TypeMeta{APIVersion: admissionv1.SchemeGroupVersion.String(), Kind: "ValidatingWebhookConfiguration"},
		ObjectMeta: metav1.ObjectMeta{Name: Name, Labels: labels()},
		Webhooks: []admissionv1.ValidatingWebhook{{
			Name:                    ValidatingWebhookName,
			ClientConfig:            clientConfig(ValidatingPath),
			NamespaceSelector:       &metav1.LabelSelector{},
			ObjectSelector:          &metav1.LabelSelector{},
			Rules:                   rules(),
			MatchConditions:         matchConditions(),
			MatchPolicy:             new(admissionv1.Equivalent),
			FailurePolicy:           new(admissionv1.Fail),
			SideEffects:             new(admissionv1.SideEffectClassNoneOnDryRun),
			TimeoutSeconds:          new(int32(30)),
			AdmissionReviewVersions: []string{"v1"},
		}},
	}
}

// MutatingConfiguration returns the registration of the advance refusal. It never
// changes an object: the mutating phase comes first, so a refusal given there
// reaches the user whatever other webhooks say later. The caller may replace
// clientConfig.
func MutatingConfiguration() *admissionv1.MutatingWebhookConfiguration {
	return &admissionv1.MutatingWebhookConfiguration{
		TypeMeta:   metav1.TypeMeta{APIVersion: admissionv1.SchemeGroupVersion.String(), Kind: "MutatingWebhookConfiguration"},
		ObjectMeta: metav1.ObjectMeta{Name: MutatingConfigurationName, Labels: labels()},
		Webhooks: []admissionv1.MutatingWebhook{{
			Name:                    MutatingWebhookName,
			ClientConfig:            clientConfig(MutatingPath),
			NamespaceSelector:       &metav1.LabelSelector{},
			ObjectSelector:          &metav1.LabelSelector{},
			Rules:                   rules(),
			MatchConditions:         matchConditions(),
			MatchPolicy:             new(admissionv1.Equivalent),
			FailurePolicy:           new(admissionv1.Ignore),
			SideEffects:             new(admissionv1.SideEffectClassNoneOnDryRun),
			TimeoutSeconds:          new(int32(5)),
			ReinvocationPolicy:      new(admissionv1.NeverReinvocationPolicy),
			AdmissionReviewVersions: []string{"v1"},
		}},
	}
}

func labels() map[string]string {
	return map[string]string{"app.kubernetes.io/name": Name, "app.kubernetes.io/component": "webhook"}
}

func clientConfig(path string) admissionv1.WebhookClientConfig {
	return admissionv1.WebhookClientConfig{Service: &admissionv1.ServiceReference{
		Namespace: Namespace, Name: Name, Path: new(path), Port: new(int32(443)),
	}}
}

func rules() []admissionv1.RuleWithOperations {
	return []admissionv1.RuleWithOperations{
		rule("harvesterhci.io", "upgrades", admissionv1.NamespacedScope),
		// The newer API. Registering it where its CRD is absent does no harm.
		rule("management.harvesterhci.io", "upgradeplans", admissionv1.ClusterScope),
	}
}

func rule(group, resource string, scope admissionv1.ScopeType) admissionv1.RuleWithOperations {
	return admissionv1.RuleWithOperations{
		Operations: []admissionv1.OperationType{admissionv1.Create, admissionv1.Update},
		Rule: admissionv1.Rule{
			APIGroups:   []string{group},
			APIVersions: []string{"v1beta1"},
			Resources:   []string{resource},
			Scope:       new(scope),
		},
	}
}

func matchConditions() []admissionv1.MatchCondition {
	return []admissionv1.MatchCondition{{Name: "created-or-target-changed", Expression: targetChanged}}
}
