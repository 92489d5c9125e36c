package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"sigs.k8s.io/yaml"
)

// WritePlanJSON writes a Plan as one JSON object. Lists are never null.
func WritePlanJSON(w io.Writer, p Plan) error {
	object, err := planJSON(p)
	if err != nil {
		return err
	}
	return writePlan(w, object)
}

// WritePlanYAML writes the same object as YAML, its fields by name.
func WritePlanYAML(w io.Writer, p Plan) error {
	object, err := planJSON(p)
	if err != nil {
		return err
	}
	if object, err = yaml.JSONToYAML(object); err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	return writePlan(w, object)
}

func planJSON(p Plan) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(p); err != nil {
		return nil, fmt.Errorf("write the plan: %w", err)
	}
	return out.Bytes(), nil
}

func writePlan(w io.Writer, text []byte) error {
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	return nil
}
