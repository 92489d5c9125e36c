package cluster

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzBundle holds that whatever an archive holds, it is one error of one line, or a source that answers for every kind.
func FuzzBundle(f *testing.F) {
	nodes := plainEntry("top/yamls/cluster/v1/nodes.yaml", aNodeList)
	f.Add(zipOf(f, plainEntry("top/metadata.yaml", "bundlecreatedat: \"2026-08-07T10:11:12Z\"\n"), nodes))
	f.Add(zipOf(f, plainEntry("yamls/cluster/v1/nodes.yaml", aNodeList), plainEntry("bundleGenerationError.log", "Failed to get /api/v1/nodes: no\n")))
	f.Add(zipOf(f, plainEntry("yamls/namespaced/a/v1/pods.yaml", "{kind: List, items: [{metadata: {name: a, namespace: a}}]}"), plainEntry("yamls/cluster/v1/namespaces.yaml", aNodeList)))
	f.Add(damage(zipOf(f, nodes)))
	f.Add(zipOf(f, rawEntry("top/yamls/cluster/v1/nodes.yaml", func(h *zip.FileHeader) { h.Flags |= zipEncrypted })))
	f.Add([]byte("PK"))
	limits := readLimits{file: 1 << 20, total: 2 << 20}
	f.Fuzz(func(t *testing.T, content []byte) {
		files, err := readArchive(bytes.NewReader(content), int64(len(content)), limits)
		var bundle *SupportBundle
		if err == nil {
			bundle, err = ReadSupportBundle(files, "bundle.zip")
		}
		if read := files.read; read != nil && read.Load() > limits.total+1<<20 {
			t.Errorf("%d bytes were read, and the limit is %d", read.Load(), limits.total)
		}
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("the error is more than one line: %q", err)
			}
			return
		}
		for _, resource := range everyResource() {
			objects, evidence := bundle.List(context.Background(), resource)
			if evidence.State == "" || evidence.State != Read && evidence.Because == "" || len(objects) > 0 && !evidence.held() {
				t.Errorf("%s: %d objects with %+v", resource.Kind, len(objects), evidence)
			}
		}
		Load(context.Background(), bundle, bundle.CollectedAt())
	})
}

// kitEncode does to an object in JSON what the kit does before it prints it.
func kitEncode(text []byte) []byte {
	text = regexp.MustCompile(`("[a-zA-Z]+":)null,`).ReplaceAll(text, []byte(`$1"null",`))
	text = regexp.MustCompile(`(\\"[a-zA-Z]+\\":)null,`).ReplaceAll(text, []byte(`$1\"null\",`))
	return bytes.ReplaceAll(text, []byte(`""`), []byte(`"null"`))
}

// withoutNothing returns a value as it is defined to come back: without entries that are null or an empty text.
func withoutNothing(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, entry := range value {
			if entry == nil || entry == "" {
				delete(value, key)
			} else {
				value[key] = withoutNothing(entry)
			}
		}
	case []any:
		for i := range value {
			value[i] = withoutNothing(value[i])
		}
	}
	return value
}

// FuzzUndoEncoding holds that an object is what it was after the kit's encoding has been undone, but for nulls and empty texts. Objects that
// hold the word null, or an empty key, are not told apart from what the kit makes, and numbers beyond 2^53 are rounded.
func FuzzUndoEncoding(f *testing.F) {
	for _, text := range []string{
		`{"a":null,"b":"","c":["",null,{"d":""}]}`, `{"a":"say \"hi\"","b":"\"","c":"{\"x\":1,\"y\":\"\"}"}`, `{"size":1073741824,"f":0.5,"g":-3,"h":1e6}`, `{}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var object map[string]any
		if json.Unmarshal(text, &object) != nil || !isComparable(object) {
			t.Skip()
		}
		plain, err := json.Marshal(object)
		if err != nil {
			t.Skip()
		}
		encoded := kitEncode(plain)
		var list any
		if err := json.Unmarshal(encoded, &list); err != nil {
			t.Fatalf("the kit itself could not read %s", encoded)
		}
		decoder := json.NewDecoder(bytes.NewReader(mustMarshal(t, list)))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil {
			t.Fatal(err)
		}
		var got any
		if err := json.Unmarshal(mustMarshal(t, undoEncoding(value)), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(withoutNothing(object), got); diff != "" {
			t.Errorf("(-object +undone)\n%s\nof %s, encoded %s", diff, plain, encoded)
		}
		again := undoEncoding(value)
		if !reflect.DeepEqual(again, undoEncoding(again)) {
			t.Errorf("undoing twice is not undoing once: %v", again)
		}
	})
}

func mustMarshal(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// isComparable tells whether an object comes back as it was.
func isComparable(value any) bool {
	switch value := value.(type) {
	case map[string]any:
		for key, entry := range value {
			if key == "" || strings.Contains(key, kitNull) || strings.HasSuffix(key, `"`) || !isComparable(entry) {
				return false
			}
		}
	case []any:
		for _, entry := range value {
			if !isComparable(entry) {
				return false
			}
		}
	case string:
		return !strings.Contains(value, kitNull)
	case float64:
		return value < 1<<53 && value > -1<<53
	}
	return true
}
