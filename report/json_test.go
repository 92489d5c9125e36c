package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

func TestYAMLIsTheSameObjectAsJSON(t *testing.T) {
	for name, r := range samples(t) {
		var fromYAML, fromJSON any
		if err := yaml.UnmarshalStrict(written(t, WriteYAML, r), &fromYAML); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := yaml.UnmarshalStrict(written(t, WriteJSON, r), &fromJSON); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(fromJSON, fromYAML); diff != "" {
			t.Errorf("%s (-JSON +YAML):\n%s", name, diff)
		}
	}
}
