package report

import "io"

// WritePlanJSON writes a Plan as one JSON object. Lists are never null.
func WritePlanJSON(w io.Writer, p Plan) error { return writeJSON(w, "the plan", p) }

// WritePlanYAML writes the same object as YAML, its fields by name.
func WritePlanYAML(w io.Writer, p Plan) error { return writeYAML(w, "the plan", p) }
