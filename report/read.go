package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/policy"
)

const (
	// largestJSON bounds a report that is read, in bytes.
	largestJSON = 64 << 20
	// largestYAML is less: a parsed document of YAML takes many times its size.
	largestYAML = 16 << 20
)

// Read reads a report that check has written as JSON or as YAML. Its error names the file by the given name, and the line or the field.
// Fields that it does not know are passed over: later programs may write more.
func Read(name string, from io.Reader) (Report, error) {
	content, err := io.ReadAll(io.LimitReader(from, largestJSON+1))
	switch {
	case err != nil:
		return Report{}, fmt.Errorf("read %s: %w", name, err)
	case len(content) > largestJSON:
		return Report{}, fmt.Errorf("%s: larger than %d MiB, which no report is", name, largestJSON>>20)
	case len(bytes.TrimSpace(content)) == 0:
		return Report{}, fmt.Errorf("%s: empty; a report is what upgrade-gate check -o json prints", name)
	}
	r, err := decodeReport(content)
	if err == nil {
		err = r.problem()
	}
	if err != nil {
		return Report{}, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

// decodeReport reads JSON where the content begins as JSON does, else YAML.
func decodeReport(content []byte) (Report, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(content), []byte("{")) {
		var err error
		if content, err = jsonOfYAML(content); err != nil {
			return Report{}, err
		}
	}
	var r Report
	repeated, err := kjson.UnmarshalStrict(content, &r, kjson.DisallowDuplicateFields)
	switch {
	case err != nil:
		return Report{}, locatedInJSON(content, err)
	case len(repeated) > 0:
		return Report{}, fmt.Errorf("not a report: %s", oneLine(repeated[0]))
	}
	return r, nil
}

// documentMark is what separates documents of YAML, and what ends one.
var documentMark = regexp.MustCompile(`(?m)^(---|\.\.\.)(\s|$)`)

func jsonOfYAML(content []byte) ([]byte, error) {
	if len(content) > largestYAML {
		return nil, fmt.Errorf("larger than %d MiB, which no report in YAML is; -o json has no such limit", largestYAML>>20)
	}
	if marks := documentMark.FindAllIndex(content, 2); len(marks) > 0 && marks[len(marks)-1][0] > 0 {
		line := 1 + bytes.Count(content[:marks[len(marks)-1][0]], []byte("\n"))
		return nil, fmt.Errorf("line %d: a second document begins; a report is one", line)
	}
	object, err := yaml.YAMLToJSONStrict(content)
	if err != nil {
		return nil, fmt.Errorf("neither JSON nor YAML: %s", strings.TrimPrefix(oneLine(err), "yaml: "))
	}
	return object, nil
}

// locatedInJSON names the line, or the field, that an error of decoding is about.
func locatedInJSON(content []byte, err error) error {
	var wrongType *json.UnmarshalTypeError
	var wrongTime *time.ParseError
	switch found, offset := kjson.SyntaxErrorOffset(err); {
	case found:
		line := 1 + bytes.Count(content[:min(int(offset), len(content))], []byte("\n"))
		return fmt.Errorf("line %d: not JSON: %s", line, oneLine(err))
	case errors.As(err, &wrongType) && wrongType.Field == "":
		return fmt.Errorf("not a report: a report is an object, and this is one %s", wrongType.Value)
	case errors.As(err, &wrongType):
		return fmt.Errorf("not a report: the field %s cannot be a %s", clip(printable(wrongType.Field), longestToken), wrongType.Value)
	case errors.As(err, &wrongTime):
		return fmt.Errorf("not a report: %q is not a time like 2026-11-20T10:00:00Z", clip(printable(wrongTime.Value), longestToken))
	}
	return fmt.Errorf("not a report: %s", oneLine(err))
}

func oneLine(err error) string { return clip(printable(err.Error()), longestTicketName) }

// problem says what keeps a decoded report from being one; nil where nothing does.
func (r Report) problem() error {
	verdicts := []policy.Verdict{policy.Ready, policy.Blocked, policy.Incomplete}
	switch {
	case r.SchemaVersion == "":
		return errors.New("schemaVersion is missing: this is no report of upgrade-gate check")
	case r.SchemaVersion != SchemaVersion:
		return fmt.Errorf("schemaVersion is %q: this program reads %s", clip(r.SchemaVersion, longestToken), SchemaVersion)
	case !slices.Contains(verdicts, r.Verdict):
		return fmt.Errorf("verdict is %q: it must be Ready, Blocked or Incomplete; this is no report of upgrade-gate check",
			clip(string(r.Verdict), longestToken))
	case r.Checks == nil:
		return errors.New("checks is missing: this is no report of upgrade-gate check")
	}
	first := map[string]int{}
	for i, c := range r.Checks {
		before, repeated := first[c.Name]
		switch {
		case c.Name == "":
			return fmt.Errorf("checks[%d].name is missing", i)
		case repeated:
			return fmt.Errorf("checks[%d].name is %q, which checks[%d] is already", i, clip(c.Name, longestToken), before)
		case !slices.Contains([]checks.Outcome{checks.Passed, checks.Failed, checks.Skipped, checks.Unknown}, c.Outcome):
			return fmt.Errorf("checks[%d].outcome is %q: it must be Passed, Failed, Skipped or Unknown", i, clip(string(c.Outcome), longestToken))
		}
		first[c.Name] = i
	}
	return nil
}
