package supportbundle

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	yaml "go.yaml.in/yaml/v2"
)

// The nulls that the kit makes strings: those of a field with letters only in its name and a further field behind it, in the answer
// itself and in JSON that an annotation carries.
var (
	nullField   = regexp.MustCompile(`("[a-zA-Z]+":)null,`)
	quotedField = regexp.MustCompile(`(\\"[a-zA-Z]+\\":)null,`)
)

// spoil does to an API server's answer what the kit does to its text: a null becomes the string "null", and so does every empty
// string. It is a replacement of text, blind to what it replaces: a string that ends with a quote has two quotes there as well, and
// gets a null appended.
func spoil(answer []byte) []byte {
	answer = nullField.ReplaceAll(answer, []byte(`$1"null",`))
	answer = quotedField.ReplaceAll(answer, []byte(`$1\"null\",`))
	return []byte(strings.ReplaceAll(string(answer), `""`, `"null"`))
}

// list is a file's content: one List, whose numbers have all become floats.
type list map[string]any

// decodeList returns the answer as the kit keeps it; nil for one without an item, which gets no file.
func decodeList(answer []byte, groupVersion, kind string) (list, error) {
	var decoded list
	if err := json.Unmarshal(spoil(answer), &decoded); err != nil {
		return nil, fmt.Errorf("decoding the list of %s: %w", kind, err)
	}
	for _, item := range decoded.items() {
		item["apiVersion"], item["kind"] = groupVersion, kind
	}
	decoded["apiVersion"], decoded["kind"] = "v1", "List"
	if kind == "Secret" {
		keepStatus(decoded.items())
	}
	return decoded.orNil(), nil
}

// items returns the items that are objects.
func (l list) items() []map[string]any {
	values, _ := l["items"].([]any)
	items := make([]map[string]any, 0, len(values))
	for _, value := range values {
		if item, ok := value.(map[string]any); ok {
			items = append(items, item)
		}
	}
	return items
}

// keep returns the list with some of its items, nil if that leaves none.
func (l list) keep(wanted func(map[string]any) bool) list {
	var kept []any
	for _, item := range l.items() {
		if wanted(item) {
			kept = append(kept, item)
		}
	}
	if len(kept) == 0 {
		return nil
	}
	l["items"] = kept
	return l
}

func (l list) orNil() list {
	if len(l.items()) == 0 {
		return nil
	}
	return l
}

// keepStatus takes from secrets every key but those with which a machine plan reports how it went.
func keepStatus(secrets []map[string]any) {
	status := []string{
		"applied-checksum", "applied-output", "applied-periodic-output", "failed-checksum", "failed-output", "failure-count",
		"failure-threshold", "last-apply-time", "max-failures", "probe-statuses", "success-count",
	}
	for _, secret := range secrets {
		data, ok := secret["data"].(map[string]any)
		if !ok {
			continue
		}
		kept := map[string]any{}
		for _, key := range status {
			if value, ok := data[key]; ok {
				kept[key] = value
			}
		}
		secret["data"] = kept
	}
}

// encode writes YAML as the kit does, with the library that it uses: lines are folded, and a float of seven digits or more has an
// exponent, such as 1e+06.
func encode(value any) ([]byte, error) {
	text, err := yaml.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encoding YAML: %w", err)
	}
	return text, nil
}
