package main

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/drain"
	"github.com/upgrade-gate/upgrade-gate/policy"
	"github.com/upgrade-gate/upgrade-gate/report"
)

// module is the path that the repository's packages are imported by.
const module = "github.com/upgrade-gate/upgrade-gate"

// document is one form of JSON that upgrade-gate prints.
type document struct {
	// file is the schema's, below docs, and title what the form is.
	file, title string
	// object is a value of the type that is printed.
	object any
}

// documents lists the forms that have a schema.
func documents() []document {
	return []document{
		{"schema/report-v1.json", "A report, as upgrade-gate check -o json prints it", report.Report{}},
		{"schema/plan-v1.json", "A plan, as upgrade-gate plan -o json prints it", report.Plan{}},
		{"schema/diff-v1.json", "A difference of two reports, as upgrade-gate diff -o json prints it", report.Difference{}},
	}
}

// enums are the values of the types of which there are few.
func enums() map[reflect.Type][]any {
	return map[reflect.Type][]any{
		reflect.TypeFor[policy.Verdict]():     {policy.Ready, policy.Blocked, policy.Incomplete},
		reflect.TypeFor[policy.Enforcement](): {policy.Block, policy.Warn, policy.Off},
		reflect.TypeFor[checks.Outcome]():     {checks.Passed, checks.Failed, checks.Skipped, checks.Unknown},
		reflect.TypeFor[checks.Severity]():    {checks.Block, checks.Warn},
		reflect.TypeFor[cluster.ReadState]():  {cluster.Read, cluster.Partial, cluster.NotInstalled, cluster.NotGranted, cluster.Unread},
		reflect.TypeFor[report.PlanOutcome](): {report.Passes, report.Hangs, report.Untold},
		reflect.TypeFor[drain.State](): {
			drain.SystemServices, drain.ImagesPreloaded, drain.Upgrading, drain.PreDraining, drain.PreDrained, drain.PostDraining,
		},
		reflect.TypeFor[drain.Confidence](): {drain.Certain, drain.Likely, drain.Possible},
	}
}

// write writes the JSON Schema of a document. Descriptions are the comments of the Go types, which it reads from the repository's root.
func (d document) write(w io.Writer) error {
	reflector := jsonschema.Reflector{
		// A reader of v1 must bear fields that are added within v1.
		AllowAdditionalProperties: true,
		Mapper: func(t reflect.Type) *jsonschema.Schema {
			if values, ok := enums()[t]; ok {
				return &jsonschema.Schema{Type: "string", Enum: values}
			}
			return nil
		},
	}
	for _, folder := range []string{"report", "checks", "cluster", "drain", "policy"} {
		if err := reflector.AddGoComments(module, folder, jsonschema.WithFullComment()); err != nil {
			return fmt.Errorf("read the comments of %s: %w", folder, err)
		}
	}
	for name, comment := range reflector.CommentMap {
		comment = strings.ReplaceAll(strings.Join(strings.Fields(comment), " "), "; nil where", "; left out where")
		reflector.CommentMap[name] = comment
	}
	schema := reflector.Reflect(d.object)
	schema.ID = jsonschema.ID("https://" + module + "/docs/" + d.file)
	schema.Title = d.title
	fixVersion(schema)
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(schema); err != nil {
		return fmt.Errorf("write %s: %w", d.file, err)
	}
	return nil
}

// fixVersion demands the one version of the form that the schema describes.
func fixVersion(schema *jsonschema.Schema) {
	for _, definition := range schema.Definitions {
		if definition.Properties == nil {
			continue
		}
		if version, ok := definition.Properties.Get("schemaVersion"); ok {
			version.Const = report.SchemaVersion
		}
	}
}
