package manifests

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/upgrade-gate/upgrade-gate/certs"
	"github.com/upgrade-gate/upgrade-gate/policy"
)

// handwritten returns the objects of every file below deploy/ that is Kubernetes'
// own kind, decoded strictly: an invented field is an error.
func handwritten(t *testing.T) []client.Object {
	t.Helper()
	var paths []string
	for _, pattern := range []string{"../base/*.yaml", "../overlays/*/*.yaml"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	var objects []client.Object
	for _, path := range paths {
		if name := filepath.Base(path); name == "kustomization.yaml" || name == "certificates.yaml" {
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
		for {
			document, err := documents.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			object, _, err := decoder.Decode(document, nil, nil)
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			objects = append(objects, object.(client.Object))
		}
	}
	return objects
}

func find[T client.Object](t *testing.T, what string, matches func(T) bool) T {
	t.Helper()
	for _, object := range handwritten(t) {
		if typed, ok := object.(T); ok && matches(typed) {
			return typed
		}
	}
	t.Fatalf("no %s", what)
	panic("unreachable")
}

func gateDeployment(t *testing.T) *appsv1.Deployment {
	return find(t, "Deployment with replicas", func(d *appsv1.Deployment) bool { return d.Spec.Replicas != nil })
}

func TestBudgetNeverBlocksADrain(t *testing.T) {
	budget := find(t, "PodDisruptionBudget", func(*policyv1.PodDisruptionBudget) bool { return true })
	if budget.Spec.MaxUnavailable == nil || budget.Spec.MaxUnavailable.IntValue() < 1 || budget.Spec.MinAvailable != nil {
		t.Errorf("budget %+v could block a drain", budget.Spec)
	}
	if policy := budget.Spec.UnhealthyPodEvictionPolicy; policy == nil || *policy != policyv1.AlwaysAllow {
		t.Error("unready replicas would block a drain")
	}
	if diff := cmp.Diff(gateDeployment(t).Spec.Selector, budget.Spec.Selector); diff != "" {
		t.Errorf("the budget selects other pods than the Deployment (-deployment +budget):\n%s", diff)
	}
}

func TestPodSatisfiesTheRestrictedProfile(t *testing.T) {
	pod := gateDeployment(t).Spec.Template.Spec
	if pod.SecurityContext.RunAsNonRoot == nil || !*pod.SecurityContext.RunAsNonRoot ||
		pod.SecurityContext.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("pod security context: %+v", pod.SecurityContext)
	}
	for _, container := range pod.Containers {
		security := container.SecurityContext
		if *security.AllowPrivilegeEscalation || !*security.ReadOnlyRootFilesystem || !slices.Equal(security.Capabilities.Drop, []corev1.Capability{"ALL"}) {
			t.Errorf("container security context: %+v", security)
		}
	}
	namespace := find(t, "Namespace", func(*corev1.Namespace) bool { return true })
	if namespace.Name != Namespace || namespace.Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
		t.Errorf("namespace %s with labels %v", namespace.Name, namespace.Labels)
	}
}

func TestHandwrittenRolesAreNarrow(t *testing.T) {
	seen := 0
	check := func(role client.Object, rules []rbacv1.PolicyRule) {
		seen++
		for _, rule := range rules {
			for _, word := range slices.Concat(rule.APIGroups, rule.Resources, rule.Verbs, rule.ResourceNames) {
				if strings.Contains(word, "*") {
					t.Errorf("%s: wildcard in %v", role.GetName(), rule)
				}
			}
			creates := slices.Equal(rule.Verbs, []string{"create"})
			reads := slices.Equal(rule.Verbs, []string{"list", "watch"})
			switch {
			case slices.Contains(rule.Resources, "secrets") && role.GetNamespace() != Namespace:
				t.Errorf("%s: secrets outside our namespace", role.GetName())
			case slices.Contains(rule.Resources, "secrets") && !creates && !slices.Equal(rule.ResourceNames, []string{"upgrade-gate-ca"}):
				t.Errorf("%s: secrets other than our own: %v", role.GetName(), rule)
			case reads:
			case slices.Contains(rule.Resources, "validatingwebhookconfigurations") && !slices.Equal(rule.ResourceNames, []string{Name}),
				slices.Contains(rule.Resources, "mutatingwebhookconfigurations") && !slices.Equal(rule.ResourceNames, []string{MutatingConfigurationName}):
				t.Errorf("%s: changes webhook configurations other than our own: %v", role.GetName(), rule)
			}
		}
	}
	for _, object := range handwritten(t) {
		switch role := object.(type) {
		case *rbacv1.Role:
			check(role, role.Rules)
		case *rbacv1.ClusterRole:
			check(role, role.Rules)
		}
	}
	if seen == 0 {
		t.Error("no roles found")
	}
}

func TestInjectionNamesTheServingCertificate(t *testing.T) {
	want := certs.InjectionAnnotation(Namespace)
	validating := find(t, "annotated ValidatingWebhookConfiguration", func(c *admissionv1.ValidatingWebhookConfiguration) bool { return c.Annotations != nil })
	mutating := find(t, "annotated MutatingWebhookConfiguration", func(c *admissionv1.MutatingWebhookConfiguration) bool { return c.Annotations != nil })
	for _, annotated := range []client.Object{validating, mutating} {
		if diff := cmp.Diff(want, annotated.GetAnnotations()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", annotated.GetName(), diff)
		}
	}
	if validating.Name != Name || mutating.Name != MutatingConfigurationName {
		t.Errorf("patches for %s and %s, want %s and %s", validating.Name, mutating.Name, Name, MutatingConfigurationName)
	}
}

func TestShippedPolicyAndItsExampleAreValid(t *testing.T) {
	shipped := find(t, "ConfigMap", func(*corev1.ConfigMap) bool { return true }).Data["policy.yaml"]
	plain, example, found := strings.Cut(shipped, "checks: {}\n# Example:\n")
	if !found {
		t.Fatal("the shipped policy has lost its example")
	}
	for name, content := range map[string]string{
		"shipped": shipped,
		"example": plain + regexp.MustCompile(`(?m)^#`).ReplaceAllString(example, ""),
	} {
		if _, err := policy.Parse(name, []byte(content)); err != nil {
			t.Error(err)
		}
	}
}

func TestServiceIsTheRegisteredOne(t *testing.T) {
	service := find(t, "Service", func(*corev1.Service) bool { return true })
	registered := ValidatingConfiguration().Webhooks[0].ClientConfig.Service
	if service.Name != registered.Name || service.Namespace != registered.Namespace || service.Spec.Ports[0].Port != *registered.Port {
		t.Errorf("service %s/%s:%d, registered %s/%s:%d", service.Namespace, service.Name, service.Spec.Ports[0].Port,
			registered.Namespace, registered.Name, *registered.Port)
	}
	if diff := cmp.Diff(gateDeployment(t).Spec.Selector.MatchLabels, service.Spec.Selector); diff != "" {
		t.Errorf("the service selects other pods than the Deployment (-deployment +service):\n%s", diff)
	}
}

func TestEachCallReturnsItsOwnConfiguration(t *testing.T) {
	ValidatingConfiguration().Webhooks[0].Rules[0].Resources[0] = "changed"
	if got := ValidatingConfiguration().Webhooks[0].Rules[0].Resources[0]; got != "upgrades" {
		t.Errorf("a caller's change is seen by the next: %q", got)
	}
}
