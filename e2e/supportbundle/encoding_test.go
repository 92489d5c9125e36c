package supportbundle

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// What stands in the API server's answer, and what a reader finds in the file.
func TestWhatTheEncodingMakesOf(t *testing.T) {
	for _, test := range []struct {
		name       string
		item, want string
	}{
		{"an empty string becomes the string null", `{"robustness":""}`, `robustness: "null"`},
		{"an empty string in a list becomes the string null", `{"args":["",""]}`, `args: ["null", "null"]`},
		{"a null before a comma becomes the string null", `{"creationTimestamp":null,"name":"a"}`, `{creationTimestamp: "null", name: a}`},
		{"a null before a brace stays null", `{"creationTimestamp":null}`, `creationTimestamp: null`},
		{"a null of a field with a digit in its name stays null", `{"ip4":null,"name":"a"}`, `{ip4: null, name: a}`},
		{"a null in a list stays null", `{"args":[null,"a"]}`, `args: [null, a]`},
		{"a text that ends with a quote gets a null appended", `{"say":"say \"hi\""}`, `say: 'say "hi"null'`},
		{"a text with a quote in its middle stays", `{"say":"say \"hi\" now"}`, `say: say "hi" now`},
		{"a null in JSON in an annotation becomes a string", `{"last":"{\"x\":null,\"y\":1}"}`, `last: '{"x":"null","y":1}'`},
		{"an empty string in JSON in an annotation stays", `{"last":"{\"y\":\"\"}"}`, `last: '{"y":""}'`},
		{"a map without an entry stays", `{"emptyDir":{}}`, `emptyDir: {}`},
		{"a list without an entry stays", `{"conditions":[]}`, `conditions: []`},
		{"the string null stays the string null", `{"value":"null"}`, `value: "null"`},
		{"the strings true, no and 1e3 stay strings", `{"a":"true","b":"no","c":"1e3"}`, `{a: "true", b: "no", c: "1e3"}`},
		{"a large number loses precision", `{"size":9007199254740993}`, `size: 9007199254740992`},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := encoded(t, test.item)
			var got struct{ Items []map[string]any }
			if err := yaml.Unmarshal([]byte(file), &got); err != nil {
				t.Fatal(err)
			}
			var want map[string]any
			if err := yaml.Unmarshal([]byte(test.want), &want); err != nil {
				t.Fatal(err)
			}
			want["apiVersion"], want["kind"] = "longhorn.io/v1beta2", "Volume"
			if diff := cmp.Diff(want, got.Items[0]); diff != "" {
				t.Errorf("(-want +got):\n%s\n%s", diff, file)
			}
		})
	}
}

func TestNumbersOfSevenDigitsHaveAnExponent(t *testing.T) {
	file := encoded(t, `{"a":1073741824,"b":1000000,"c":999999,"d":0,"e":-3,"f":0.5}`)
	for _, want := range []string{"a: 1.073741824e+09\n", "b: 1e+06\n", "c: 999999\n", "d: 0\n", "e: -3\n", "f: 0.5\n"} {
		if !strings.Contains(file, want) {
			t.Errorf("no %q in\n%s", want, file)
		}
	}
}

func TestAFileIsOneListOfTypedItems(t *testing.T) {
	want := `apiVersion: v1
items:
- apiVersion: longhorn.io/v1beta2
  kind: Volume
  metadata:
    name: a
kind: List
metadata:
  resourceVersion: "1"
`
	if diff := cmp.Diff(want, encoded(t, `{"metadata":{"name":"a"}}`)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAnEmptyListIsNoFile(t *testing.T) {
	for _, answer := range []string{`{"items":[]}`, `{"items":null}`, `{"metadata":{}}`} {
		content, err := decodeList([]byte(answer), "v1", "Pod")
		if err != nil || content != nil {
			t.Errorf("%s: %v, %v, want neither a list nor an error", answer, content, err)
		}
	}
}

func TestOnlyTheStatusOfASecretIsKept(t *testing.T) {
	answer := `{"items":[{"type":"rke.cattle.io/machine-plan","data":{"plan":"c2VjcmV0","applied-checksum":"YQ==","probe-statuses":"e30="}}]}`
	content, err := decodeList([]byte(answer), "v1", "Secret")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"applied-checksum": "YQ==", "probe-statuses": "e30="}
	if diff := cmp.Diff(want, content.items()[0]["data"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// encoded returns the file of a list with one volume.
func encoded(t *testing.T, item string) string {
	t.Helper()
	answer := `{"kind":"VolumeList","apiVersion":"longhorn.io/v1beta2","metadata":{"resourceVersion":"1"},"items":[` + item + `]}`
	content, err := decodeList([]byte(answer), "longhorn.io/v1beta2", "Volume")
	if err != nil {
		t.Fatal(err)
	}
	text, err := encode(content)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
