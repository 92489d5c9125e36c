package main

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"
)

// schema compiles one of the published schemas.
func schema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	compiled, err := compiler.Compile(path.Join("..", "..", "docs", "schema", name))
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// mustBe holds a document, in JSON or YAML, against a schema.
func mustBe(t *testing.T, s *jsonschema.Schema, name string, text []byte) {
	t.Helper()
	object, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(object))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := s.Validate(document); err != nil {
		t.Errorf("%s is not what its schema says: %v", name, err)
	}
}

func TestEveryGoldenDocumentIsWhatItsSchemaSays(t *testing.T) {
	for name, patterns := range map[string][]string{
		"report-v1.json": {"stuck", "unread", "ready", "overwhelmed"},
		"plan-v1.json":   {"plan-*"},
		"diff-v1.json":   {"diff-*"},
	} {
		s := schema(t, name)
		for _, pattern := range patterns {
			for _, form := range []string{".json", ".yaml"} {
				files, err := filepath.Glob(filepath.Join("..", "..", "report", "testdata", pattern+form))
				if err != nil || len(files) == 0 && !(form == ".yaml" && name == "plan-v1.json") {
					t.Fatalf("no file %s%s (%v)", pattern, form, err)
				}
				for _, file := range files {
					text, err := os.ReadFile(file)
					if err != nil {
						t.Fatal(err)
					}
					mustBe(t, s, file, text)
				}
			}
		}
	}
}

func TestEveryExampleIsWhatItsSchemaSays(t *testing.T) {
	reports, plans, differences := schema(t, "report-v1.json"), schema(t, "plan-v1.json"), schema(t, "diff-v1.json")
	healthy := filepath.Join(t.TempDir(), "healthy.json")
	for _, e := range examples() {
		from := []string{"--from", path.Join("..", "..", e.folder()), "--assume-complete", "--version", e.version, "--at", e.at, "-o", "json"}
		mine := filepath.Join(t.TempDir(), e.name+".json")
		text := []byte(call(t, append([]string{"check"}, from...)...).stdout)
		if err := os.WriteFile(mine, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if e.name == "healthy" {
			healthy = mine
		}
		mustBe(t, reports, e.name, text)
		mustBe(t, plans, e.name, []byte(call(t, append([]string{"plan"}, from...)...).stdout))
		mustBe(t, differences, e.name, []byte(call(t, "diff", healthy, mine, "-o", "json").stdout))
	}
}

func TestASchemaRefusesWhatIsWrong(t *testing.T) {
	const report = `{"schemaVersion":"v1","verdict":"Ready","target":"","source":"s","readAt":"2026-11-20T09:12:00Z","evidence":[{"kind":"nodes","state":"Read","count":1}],
		"checks":[{"name":"a","title":"A","outcome":"Passed","severity":"Block","because":"","findings":[{"object":{"apiVersion":"v1","kind":"Node","name":"n"},
		"message":"m","remedy":"r","transient":false,"blocks":true}],"reads":["nodes"]}]}`
	s := schema(t, "report-v1.json")
	mustBe(t, s, "the report", []byte(report))
	mustBe(t, s, "a field of a later program", []byte(strings.Replace(report, `"name":"a"`, `"name":"a","more":1`, 1)))
	for _, wrong := range [][2]string{
		{`"v1",`, `"v2",`}, {`"Ready"`, `"ready"`}, {`"Passed"`, `"Green"`}, {`"Block"`, `"Error"`}, {`"Read"`, `"Seen"`}, {`"target":"",`, ``},
		{`"2026-11-20T09:12:00Z"`, `"noon"`}, {`"count":1`, `"count":"1"`}, {`"blocks":true`, `"blocks":"yes"`}, {`"reads":["nodes"]`, `"reads":null`},
		{`"name":"n"`, `"name":null`}, {`"checks":[`, `"cheques":[`}, {`"message":"m",`, ``},
	} {
		text := strings.Replace(report, wrong[0], wrong[1], 1)
		document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil || text == report {
			t.Fatalf("%v: %v", wrong, err)
		}
		if err := s.Validate(document); err == nil {
			t.Errorf("the schema takes %s", wrong[1])
		}
	}
}
