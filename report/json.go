package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"sigs.k8s.io/yaml"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// WriteJSON writes a Report as one JSON object. Lists are never null.
func WriteJSON(w io.Writer, r Report) error { return writeJSON(w, "the report", withLists(r)) }

// WriteYAML writes the same object as YAML, its fields by name.
func WriteYAML(w io.Writer, r Report) error { return writeYAML(w, "the report", withLists(r)) }

// withLists returns a Report of which no list is nil.
func withLists(r Report) Report {
	r.Checks = slices.Clone(r.Checks)
	if r.Checks == nil {
		r.Checks = []Check{}
	}
	for i := range r.Checks {
		if r.Checks[i].Findings == nil {
			r.Checks[i].Findings = []Finding{}
		}
		if r.Checks[i].Reads == nil {
			r.Checks[i].Reads = []cluster.Kind{}
		}
	}
	if r.Evidence == nil {
		r.Evidence = []Evidence{}
	}
	return r
}

// writeJSON writes an object, of which an error says what it is.
func writeJSON(w io.Writer, what string, object any) error {
	text, err := jsonOf(what, object)
	if err != nil {
		return err
	}
	return writeOut(w, what, text)
}

func writeYAML(w io.Writer, what string, object any) error {
	text, err := jsonOf(what, object)
	if err != nil {
		return err
	}
	if text, err = yaml.JSONToYAML(text); err != nil {
		return fmt.Errorf("write %s: %w", what, err)
	}
	return writeOut(w, what, text)
}

func jsonOf(what string, object any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(object); err != nil {
		return nil, fmt.Errorf("write %s: %w", what, err)
	}
	return out.Bytes(), nil
}

// writeOut writes a finished text at once, so that an error before leaves nothing half written.
func writeOut(w io.Writer, what string, text []byte) error {
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("write %s: %w", what, err)
	}
	return nil
}
