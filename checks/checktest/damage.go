package checktest

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/upgrade-gate/upgrade-gate/checks"
)

// alwaysWritten names, by kind, the fields of status that the real controllers always write. Where one is missing, evidence
// was lost, and a check that failed before may not pass.
func alwaysWritten() map[string][]string {
	return map[string][]string{
		"Node":                   {"conditions"},
		"VirtualMachine":         {"printableStatus"},
		"Pod":                    {"phase", "conditions"},
		"APIService":             {"conditions"},
		"PodDisruptionBudget":    {"disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods", "observedGeneration"},
		"VirtualMachineInstance": {"phase", "conditions"},
		"KubeVirt":               {"phase", "conditions"},
		"Backup":                 {"state"},
		"Addon":                  {"status"},
		"ManagedChart":           {"conditions", "summary"},
		"Bundle":                 {"conditions"},
		"Cluster":                {"phase", "conditions", "observedGeneration"},
		"Machine":                {"phase", "nodeRef"},
		"Volume":                 {"state", "robustness", "currentImage"},
		"Engine":                 {"currentState", "replicaModeMap", "snapshots"},
		"Replica":                {"currentState"},
		"InstanceManager":        {"currentState"},
		"EngineImage":            {"state", "nodeDeploymentMap"},
		"DaemonSet":              {"numberReady"},
		"BackingImage":           {"diskFileStatusMap"},
		"VirtualMachineImage":    {"conditions"},
	}
}

// Damage runs a check on damaged copies of its failing cases. Whatever is damaged, the check must not panic. Where the
// guilty object loses its status, or a field that is always written, or such a field holds a word that nobody knows, Failed
// may become Unknown, but never Passed. seed makes the random part reproducible.
func Damage(t *testing.T, check checks.Check, seed uint64) {
	t.Helper()
	for name, c := range Cases(t, check.Name) {
		if c.Class() != Fails {
			continue
		}
		t.Run(name, func(t *testing.T) {
			c.loseEvidence(t, check)
			c.damageAtRandom(t, check, rand.New(rand.NewPCG(seed, 0)))
		})
	}
}

func (c *Case) loseEvidence(t *testing.T, check checks.Check) {
	t.Helper()
	for _, want := range c.wants {
		if len(c.wants) > 1 {
			return // Another guilty object would keep the check from passing.
		}
		original, ok := c.documents[key(want.object)]
		if !ok {
			continue
		}
		for what, damage := range damages(want.object.Kind) {
			object := decodeText(t, original.text)
			status, ok := object["status"].(map[string]any)
			if !ok {
				continue
			}
			damage(object, status)
			damaged := c.with(t, object, original)
			result := damaged.run(check, damaged.load(t, false))
			if result.Outcome == checks.Passed {
				t.Errorf("%s with %s: the check passed", want.object, what)
			}
		}
	}
}

func damages(kind string) map[string]func(object, status map[string]any) {
	all := map[string]func(object, status map[string]any){
		"no status":       func(object, _ map[string]any) { delete(object, "status") },
		"an empty status": func(object, _ map[string]any) { object["status"] = map[string]any{} },
	}
	for _, field := range alwaysWritten()[kind] {
		all["no status."+field] = func(_, status map[string]any) { delete(status, field) }
		all["an unknown word in status."+field] = func(_, status map[string]any) {
			if _, isText := status[field].(string); isText {
				status[field] = "Bogus"
			}
		}
	}
	return all
}

// damageAtRandom removes a random field somewhere in a random object, twenty times.
func (c *Case) damageAtRandom(t *testing.T, check checks.Check, random *rand.Rand) {
	t.Helper()
	keys := slices.Sorted(maps.Keys(c.documents))
	for range 20 {
		original := c.documents[keys[random.IntN(len(keys))]]
		object := decodeText(t, original.text)
		removeSomething(random, object, 0)
		damaged := c.with(t, object, original)
		result := damaged.run(check, damaged.load(t, false))
		if strings.HasPrefix(result.Because, "the check itself failed") {
			t.Errorf("damaged %s: %s", original.object, result.Because)
		}
	}
}

// removeSomething deletes one field at some depth, but never what names the object.
func removeSomething(random *rand.Rand, fields map[string]any, depth int) {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if depth > 0 || (name != "apiVersion" && name != "kind" && name != "metadata") {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return
	}
	name := names[random.IntN(len(names))]
	if nested, ok := fields[name].(map[string]any); ok && random.IntN(3) > 0 {
		removeSomething(random, nested, depth+1)
		return
	}
	delete(fields, name)
}

// with returns the case with one object replaced.
func (c *Case) with(t *testing.T, object map[string]any, original document) *Case {
	t.Helper()
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatalf("encode the damaged object: %v", err)
	}
	damaged := *c
	damaged.documents = maps.Clone(c.documents)
	damaged.documents[key(original.object)], err = newDocument(original.object, string(text))
	if err != nil {
		t.Fatalf("decode the damaged object: %v", err)
	}
	return &damaged
}

func decodeText(t *testing.T, text string) map[string]any {
	t.Helper()
	object := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &object); err != nil {
		t.Fatalf("decode: %v", fmt.Errorf("%w in %s", err, text))
	}
	return object
}
