package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"

	"github.com/upgrade-gate/upgrade-gate/checks"
)

// WriteCoveragePage writes the page that sets each check beside what Harvester's own webhook and check.sh detect of the same,
// for the documentation, as Markdown.
func WriteCoveragePage(w io.Writer, list []checks.Check) error {
	var out bytes.Buffer
	out.WriteString("# Who detects what\n\n<!-- Generated from the checks' own metadata by go run ./docs/generate. Do not edit. -->\n\n")
	out.WriteString("What is detected before an upgrade begins, and by whom: by Harvester's own admission webhook, by the script that people run by\n" +
		"hand, and by Upgrade Gate. The webhook is `pkg/webhook/resources/upgrade/validator.go` of harvester/harvester at 3d63c2a, the script\n" +
		"`pre-check/v1.x/check.sh` of harvester/upgrade-helpers at 8e30bdf. A dash says that nothing is detected. What Upgrade Gate in its turn\n" +
		"cannot see stands with each check on [the page of checks](checks.md).\n\n")
	out.WriteString("| check | Harvester's webhook | check.sh | Upgrade Gate |\n|---|---|---|---|\n")
	for _, check := range list {
		fmt.Fprintf(&out, "| [%s](checks.md#%s) | %s | %s | %s |\n", check.Name, check.Name,
			detected(check.Elsewhere.Webhook), detected(check.Elsewhere.Script), detected(check.Finds))
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write the page of coverage: %w", err)
	}
	return nil
}

// detected is what a cell of the table says.
func detected(what string) string { return cmp.Or(markdown(what), "–") }
