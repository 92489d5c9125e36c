package chart

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/upgrade-gate/upgrade-gate/e2e/controlplane"
	"github.com/upgrade-gate/upgrade-gate/e2e/crds"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/schemas"
	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

// everything switches on whatever the chart has.
const everything = "certificates.mode=cert-manager,readSecrets=true,podMonitor.enabled=true,prometheusRule.enabled=true,networkPolicy.enabled=true," +
	"imagePullSecrets[0].name=login,nodeSelector.disk=fast,policy.checks.paused-vms.enforcement=warn"

// TestEverythingThatIsInstalledKeepsToTheSchemasOfTheAPIServer validates manifests with kubeconform against what a real API server publishes
// of its kinds, with the CRDs of Harvester, cert-manager and the Prometheus operator.
func TestEverythingThatIsInstalledKeepsToTheSchemasOfTheAPIServer(t *testing.T) {
	plane := startWithForeignCRDs(t)
	folder := t.TempDir()
	written := 0
	if err := gate.Await(t.Context(), patience, func(ctx context.Context) (err error) {
		written, err = schemas.Write(ctx, plane.Config, folder)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	t.Logf("the API server serves %d kinds", written)
	validator := conform{path: program(t, tools.Kubeconform()), schemas: schemas.Location(folder)}

	addon := fileObjects(t, filepath.Join(repository(t), "deploy", "addon", "upgrade-gate.yaml"))
	for name, objects := range map[string]map[string]*unstructured.Unstructured{
		"the chart as it is":                 rendered(t),
		"the chart with cert-manager":        rendered(t, "--set=certificates.mode=cert-manager"),
		"the chart with everything":          rendered(t, "--set="+everything),
		"the chart with little":              rendered(t, "--set=advanceRefusal.enabled=false,podDisruptionBudget.enabled=false,priorityClassName=,replicas=1"),
		"the chart from a private registry":  rendered(t, "--set=global.cattle.systemDefaultRegistry=registry.example.com/mirror,image.tag=v9"),
		"the chart with the add-on's values": rendered(t, "--values="+writeFile(t, "values.yaml", addonValues(t, addon))),
		"the add-on":                         addon,
		"the overlay self-managed":           overlay(t, "self-managed", ""),
		"the overlay cert-manager":           overlay(t, "cert-manager", ""),
		"the overlay that may read Secrets":  overlay(t, "self-managed", "read-secrets"),
	} {
		t.Run(name, func(t *testing.T) {
			if problems := validator.problems(t, objects); len(problems) > 0 {
				t.Errorf("kubeconform finds:\n%s", strings.Join(problems, "\n"))
			}
		})
	}
	t.Run("kubeconform finds what is wrong", func(t *testing.T) { expectFaultsFound(t, validator) })
	t.Run("the API server takes everything", func(t *testing.T) { expectApplied(t, plane) })
}

func startWithForeignCRDs(t *testing.T) *controlplane.ControlPlane {
	t.Helper()
	definitions, err := crds.All(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := schemas.ForeignCRDs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	plane, err := controlplane.Start(t.Context(), controlplane.Options{CRDs: definitions, CRDDirs: foreign, Progress: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := plane.Stop(); err != nil {
			t.Error(err)
		}
	})
	return plane
}

// conform is kubeconform with the schemas that it validates against.
type conform struct{ path, schemas string }

// problems returns what kubeconform finds in the objects. A kind without a schema is a problem, too, and one that it passes over is an error.
func (c conform) problems(t *testing.T, objects map[string]*unstructured.Unstructured) []string {
	t.Helper()
	out, stderr, err := run(t, c.path, "-strict", "-summary", "-output=json", "-schema-location="+c.schemas, writeFile(t, "objects.yaml", documents(t, objects)))
	var says struct {
		Resources []struct{ Kind, Name, Msg string }
		Summary   struct{ Valid, Invalid, Errors, Skipped int }
	}
	if decoding := json.Unmarshal([]byte(out), &says); decoding != nil {
		t.Fatalf("%v, %v\n%s%s", err, decoding, out, stderr)
	}
	var problems []string
	for _, resource := range says.Resources {
		problems = append(problems, resource.Kind+" "+resource.Name+": "+resource.Msg)
	}
	if s := says.Summary; s.Valid+s.Invalid+s.Errors != len(objects) || s.Skipped > 0 || (err == nil) != (s.Valid == len(objects)) {
		t.Fatalf("%v, of %d objects: %+v", err, len(objects), s)
	}
	return problems
}

// documents writes objects as one stream, in the order of their identities.
func documents(t *testing.T, objects map[string]*unstructured.Unstructured) string {
	t.Helper()
	var text strings.Builder
	for _, id := range slices.Sorted(maps.Keys(objects)) {
		content, err := objects[id].MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString("---\n" + string(content))
	}
	return text.String()
}

func addonValues(t *testing.T, objects map[string]*unstructured.Unstructured) string {
	t.Helper()
	for _, object := range objects {
		if values, found, _ := unstructured.NestedString(object.Object, "spec", "valuesContent"); found {
			return values
		}
	}
	t.Fatal("no values in the add-on")
	return ""
}

// expectFaultsFound breaks one field of one object at a time.
func expectFaultsFound(t *testing.T, validator conform) {
	const certificate = "cert-manager.io/v1 Certificate upgrade-gate upgrade-gate-serving"
	for name, c := range map[string]struct {
		id    string
		value any
		field []string
	}{
		"a field that the Deployment has not":        {deployment, 1, []string{"spec", "replica"}},
		"a field that a pod has not":                 {deployment, true, []string{"spec", "template", "spec", "hostNet"}},
		"a word for a number":                        {deployment, "two", []string{"spec", "replicas"}},
		"a field that the PodMonitor has not":        {"monitoring.coreos.com/v1 PodMonitor upgrade-gate upgrade-gate", "30s", []string{"spec", "interval"}},
		"a group that the PrometheusRule has not":    {"monitoring.coreos.com/v1 PrometheusRule upgrade-gate upgrade-gate", "rules", []string{"spec", "groups"}},
		"a field that the Certificate has not":       {certificate, "x", []string{"spec", "issuer"}},
		"a key that the Certificate cannot have":     {certificate, "secret", []string{"spec", "privateKey", "algorithm"}},
		"a version that the API server has not":      {deployment, "apps/v1beta9", []string{"apiVersion"}},
		"a policy that a registration cannot follow": {validating, 3, []string{"webhooks"}},
	} {
		t.Run(name, func(t *testing.T) {
			objects := rendered(t, "--set="+everything)
			object := objects[c.id]
			if object == nil {
				t.Fatalf("%s is not rendered, but %v", c.id, slices.Sorted(maps.Keys(objects)))
			}
			if len(validator.problems(t, map[string]*unstructured.Unstructured{c.id: object})) > 0 {
				t.Fatal("it is wrong as it is, so this shows nothing")
			}
			content := object.Object
			for _, key := range c.field[:len(c.field)-1] {
				if content[key] == nil {
					content[key] = map[string]any{}
				}
				content = content[key].(map[string]any)
			}
			content[c.field[len(c.field)-1]] = c.value
			if problems := validator.problems(t, map[string]*unstructured.Unstructured{c.id: object}); len(problems) != 1 {
				t.Errorf("found: %q", problems)
			}
		})
	}
}

// expectApplied lets the API server itself judge the objects of the chart that need another product's CRDs, and the rest of it.
func expectApplied(t *testing.T, plane *controlplane.ControlPlane) {
	for _, namespace := range []string{"upgrade-gate", "harvester-system", "fleet-local", "cattle-system", "cattle-fleet-system"} {
		if _, stderr, err := plane.Kubectl(t.Context(), nil, "create", "namespace", namespace); err != nil {
			t.Fatalf("%v: %s", err, stderr)
		}
	}
	text := documents(t, rendered(t, "--set="+everything))
	out, stderr, err := plane.Kubectl(t.Context(), strings.NewReader(text), "apply", "--server-side", "--validate=strict", "--field-manager=helm", "-f", "-")
	if err != nil || strings.Contains(stderr, "Warning") {
		t.Fatalf("%v\n%s", err, stderr)
	}
	for _, applied := range []string{
		"podmonitor.monitoring.coreos.com/upgrade-gate serverside-applied", "prometheusrule.monitoring.coreos.com/upgrade-gate serverside-applied",
		"certificate.cert-manager.io/upgrade-gate-serving serverside-applied", "issuer.cert-manager.io/",
	} {
		if !strings.Contains(out, applied) {
			t.Errorf("the API server does not say %q:\n%s", applied, out)
		}
	}
}
