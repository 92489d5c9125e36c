package report

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestAReportIsReadAsItWasWritten(t *testing.T) {
	for name, r := range samples(t) {
		for form, text := range map[string][]byte{"JSON": written(t, WriteJSON, r), "YAML": written(t, WriteYAML, r)} {
			got, err := Read(name, bytes.NewReader(text))
			if err != nil {
				t.Errorf("%s as %s: %v", name, form, err)
			}
			// What is hostile in a text is harmless in JSON, and so it is compared as JSON.
			if diff := cmp.Diff(string(written(t, WriteJSON, r)), string(written(t, WriteJSON, got))); diff != "" {
				t.Errorf("%s as %s (-written +read):\n%s", name, form, diff)
			}
			if diff := cmp.Diff(withLists(r), got, cmpopts.EquateEmpty()); diff != "" && name != "overwhelmed" {
				t.Errorf("%s as %s (-written +read):\n%s", name, form, diff)
			}
		}
	}
}

func TestWhatIsNoReportIsOneClearError(t *testing.T) {
	const ok = `{"schemaVersion":"v1","verdict":"Ready","target":"","source":"s","readAt":"2026-11-20T09:12:00Z","checks":[`
	plan := string(written(t, WritePlanJSON, smallPlan(t)))
	for name, c := range map[string]struct{ text, want string }{
		"nothing":                   {" \n", "old.json: empty; a report is what upgrade-gate check -o json prints"},
		"broken JSON":               {"{\n\"verdict\": }", "old.json: line 2: not JSON: invalid character '}' looking for beginning of value"},
		"cut off":                   {ok, "old.json: line 1: not JSON: unexpected end of JSON input"},
		"something after it":        {ok + "]}\n{}", "old.json: line 2: not JSON: invalid character '{' after top-level value"},
		"broken YAML":               {"verdict: [", "old.json: neither JSON nor YAML: line 1: did not find expected node content"},
		"two documents":             {"verdict: Ready\n---\nverdict: Ready\n", "old.json: line 2: a second document begins; a report is one"},
		"a document after a mark":   {"---\nverdict: Ready\n---\n", "old.json: line 3: a second document begins; a report is one"},
		"a list":                    {"[1]", "old.json: not a report: a report is an object, and this is one array"},
		"a text":                    {"hello", "old.json: not a report: a report is an object, and this is one string"},
		"a field of another type":   {strings.Replace(ok, `"Ready"`, "5", 1) + "]}", "old.json: not a report: the field verdict cannot be a number"},
		"a field below":             {ok + `{"name":5}]}`, "old.json: not a report: the field checks.name cannot be a number"},
		"a time that is none":       {strings.Replace(ok, "2026-11-20T09:12:00Z", "noon", 1) + "]}", "old.json: not a report: \"noon\" is not a time like 2026-11-20T10:00:00Z"},
		"a field twice":             {ok + `],"verdict":"Blocked"}`, "old.json: not a report: duplicate field \"verdict\""},
		"a field twice in YAML":     {"verdict: Ready\nverdict: Ready\n", "old.json: neither JSON nor YAML: unmarshal errors: line 2: key \"verdict\" already set in map"},
		"no version":                {`{"verdict":"Ready"}`, "old.json: schemaVersion is missing: this is no report of upgrade-gate check"},
		"another version":           {`{"schemaVersion":"v2"}`, `old.json: schemaVersion is "v2": this program reads v1`},
		"a plan":                    {plan, `old.json: verdict is "": it must be Ready, Blocked or Incomplete; this is no report of upgrade-gate check`},
		"no checks":                 {`{"schemaVersion":"v1","verdict":"Ready"}`, "old.json: checks is missing: this is no report of upgrade-gate check"},
		"a check without a name":    {ok + `{"outcome":"Passed"}]}`, "old.json: checks[0].name is missing"},
		"a check twice":             {ok + `{"name":"a","outcome":"Passed"},{"name":"a","outcome":"Passed"}]}`, `old.json: checks[1].name is "a", which checks[0] is already`},
		"an outcome that is none":   {ok + `{"name":"a","outcome":"passed"}]}`, `old.json: checks[0].outcome is "passed": it must be Passed, Failed, Skipped or Unknown`},
		"a bomb":                    {"a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n", "excessive aliasing"},
		"YAML that is far too long": {"a: " + strings.Repeat("x", largestYAML), "old.json: larger than 16 MiB, which no report in YAML is; -o json has no such limit"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read("old.json", strings.NewReader(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got\n%v\nwant\n%s", err, c.want)
			}
		})
	}
}

// endless never ends, like a device that was named by mistake.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestAFileWithoutAnEndIsRefused(t *testing.T) {
	if _, err := Read("zero", endless{}); err == nil || err.Error() != "zero: larger than 64 MiB, which no report is" {
		t.Errorf("got %v", err)
	}
}

func TestFieldsOfALaterProgramArePassedOver(t *testing.T) {
	text := `{"schemaVersion":"v1","verdict":"Ready","new":[1],"checks":[{"name":"a","outcome":"Passed","more":{}}]}`
	if r, err := Read("later", strings.NewReader(text)); err != nil || len(r.Checks) != 1 {
		t.Errorf("got %+v, %v", r, err)
	}
}

func FuzzReadReport(f *testing.F) {
	for _, pattern := range []string{"*.json", "*.yaml"} {
		files, err := filepath.Glob(filepath.Join("testdata", pattern))
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			if len(content) < 8<<10 { // What is small is mutated often.
				f.Add(content)
			}
		}
	}
	f.Add([]byte("---\nschemaVersion: v1\n..."))
	f.Fuzz(func(t *testing.T, content []byte) {
		r, err := Read("fuzz", bytes.NewReader(content))
		if err != nil {
			if strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "fuzz: ") {
				t.Errorf("the error is not one line that names the file: %q", err)
			}
			return
		}
		if d := Compare(r, r); d.Worse || len(d.New)+len(d.Fixed)+len(d.Lost)+len(d.Changed)+len(d.BecameUnknown)+len(d.BecameJudged) > 0 {
			t.Errorf("a report differs from itself: %+v", d)
		}
		if _, err := Read("again", bytes.NewReader(written(t, WriteJSON, r))); err != nil {
			t.Errorf("what was read cannot be read again: %v", err)
		}
	})
}
