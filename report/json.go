package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// WriteJSON writes a Report as one JSON object. Lists are never null.
func WriteJSON(w io.Writer, r Report) error {
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
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
