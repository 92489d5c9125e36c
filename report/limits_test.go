package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/policy"
)

func samples(t *testing.T) map[string]Report {
	t.Helper()
	return map[string]Report{"stuck": stuck(t), "unread": unread(t), "ready": ready(t), "overwhelmed": overwhelmed(t)}
}

func TestAMessageReadsWellAsLinesAndAsOneParagraph(t *testing.T) {
	for name, r := range samples(t) {
		message := Message(r)
		if size := utf8.RuneCountInString(message); size > messageOverrun {
			t.Errorf("%s: %d characters are more than %d", name, size, messageOverrun)
		}
		for line := range strings.SplitSeq(message, "\n") {
			if !strings.HasSuffix(line, ".") || line != strings.TrimSpace(line) {
				t.Errorf("%s: the line has an indentation or no full stop: %q", name, line)
			}
			if strings.ContainsFunc(line, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' }) {
				t.Errorf("%s: the line has a character that cannot be seen: %q", name, line)
			}
		}
		paragraph := strings.Join(strings.Fields(message), " ")
		if diff := cmp.Diff(strings.ReplaceAll(message, "\n", " "), paragraph); diff != "" {
			t.Errorf("%s changes when white space collapses (-message +paragraph):\n%s", name, diff)
		}
		for _, word := range strings.Fields(message) {
			if utf8.RuneCountInString(word) > 100 {
				t.Errorf("%s: a word of %d characters runs out of the box: %s", name, utf8.RuneCountInString(word), word)
			}
		}
	}
}

func TestTheAPIServerCutsNothing(t *testing.T) {
	for name, r := range samples(t) {
		total := 0
		for _, warning := range Warnings(r) {
			size := utf8.RuneCountInString(warning)
			total += size
			if size > 256 || strings.ContainsFunc(warning, unicode.IsControl) {
				t.Errorf("%s: the warning is too long (%d) or has a control character: %q", name, size, warning)
			}
		}
		if total > 4096 {
			t.Errorf("%s: all warnings have %d characters", name, total)
		}
		note := EventNote(r, strings.Repeat("user\n", 500))
		if len(note) > 1024 || !utf8.ValidString(note) || strings.Contains(note, "\n") {
			t.Errorf("%s: the note is no note (%d bytes): %q", name, len(note), note)
		}
		for key, value := range AuditAnnotations(r) {
			if len(value) > 1024 || !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
				t.Errorf("%s: annotation %s is too long or no line: %q", name, key, value)
			}
		}
		if causes := Causes(r); len(causes) > maxCauses {
			t.Errorf("%s: %d causes", name, len(causes))
		}
	}
}

func TestANoteIsCutBetweenCharacters(t *testing.T) {
	for most := 10; most < 40; most++ {
		cut := clipBytes(strings.Repeat("ü…€", 40), most)
		if len(cut) > most || !utf8.ValidString(cut) || !strings.HasSuffix(cut, "…") {
			t.Errorf("cut to %d bytes: %q", most, cut)
		}
	}
}

func TestTheSameReportGivesTheSameBytes(t *testing.T) {
	for range 5 {
		for name, r := range samples(t) {
			if diff := cmp.Diff(Message(r), Message(r)); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
			if diff := cmp.Diff(r, samples(t)[name]); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	}
}

func TestEveryCheckIsHeardBeforeOneCheckIsHeardTwice(t *testing.T) {
	items := []item{{check: "a", text: "1"}, {check: "a", text: "2"}, {check: "a", text: "3"}, {check: "b", text: "4"}}
	shown, hidden := fit(items, 3*length(items[0].String()))
	allow := cmp.AllowUnexported(item{})
	if diff := cmp.Diff([]item{items[0], items[1], items[3]}, shown, allow); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]item{items[2]}, hidden, allow); diff != "" {
		t.Errorf("hidden (-want +got):\n%s", diff)
	}
}

func TestAShortFactNamesALongVolumeOnce(t *testing.T) {
	const volume = "pvc-49a8cd93-55ca-4909-a602-30ca5627d84d"
	for fact, want := range map[string]string{
		"volume " + volume + " has replica " + volume + "-r-1, and engine " + volume + "-e-0": "volume " + volume + " has replica …-r-1, and engine …-e-0",
		"VM shop/web-1 and VM shop/web-1-a":                                                   "VM shop/web-1 and VM shop/web-1-a",
		"volume " + volume + " (" + volume + "-r-1) is ERR":                                   "volume " + volume + " (…-r-1) is ERR",
		"volume pvc-1 has " + strings.Repeat("very ", 40) + "many ones":                       "volume pvc-1 has " + strings.TrimSpace(strings.Repeat("very ", 34)) + " …",
	} {
		if diff := cmp.Diff(want, short(fact)); diff != "" {
			t.Errorf("short form of %q (-want +got):\n%s", fact, diff)
		}
	}
}

func TestAWarningIsShortAndNothingThatABrowserGarbles(t *testing.T) {
	for text, want := range map[string]string{
		"volume pvc-1 has …-r-1 on node-1":       "volume pvc-1 has ...-r-1 on node-1",
		"the purge failed …. To fix: free space": "the purge failed ... To fix: free space",
		strings.Repeat("x…", 63):                 strings.Repeat("x...", 63),
		strings.Repeat("word ", 51) + "w":        strings.Repeat("word ", 50) + "...",
		strings.Repeat("…-r-1 is broken, ", 20):  strings.TrimSuffix(strings.Repeat("...-r-1 is broken, ", 13), ", ") + " ...",
	} {
		got := header(text)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q as a warning (-want +got):\n%s", text, diff)
		}
		if size := len(got); size > longestWarning {
			t.Errorf("%q has %d bytes, more than %d", got, size, longestWarning)
		}
	}
}

func TestACutIsNotWithinParentheses(t *testing.T) {
	want := "remove images that are not used …"
	if diff := cmp.Diff(want, clip("remove images that are not used (crictl rmi --prune on the node)", 50)); diff != "" {
		t.Error(diff)
	}
}

func TestAMessageAlwaysHoldsItsFirstItem(t *testing.T) {
	shown, hidden := fit([]item{{check: "a", text: strings.Repeat("long ", 100)}, {check: "b", text: "short"}}, 50)
	if len(shown) != 1 || len(hidden) != 1 {
		t.Errorf("shown %d, hidden %d", len(shown), len(hidden))
	}
}

func TestAShortRemedyIsTheFirstStepAndNeverHalfACommand(t *testing.T) {
	for remedy, want := range map[string]string{
		"":                                "",
		"virtctl stop db-1 -n shop.":      "virtctl stop db-1 -n shop.",
		"free space; then retry":          "free space",
		"free space. Then retry.":         "free space",
		"free space\nthen retry":          "free space",
		"delete version v1.4.2 and retry": "delete version v1.4.2 and retry",
		strings.Repeat("word ", 15) + ": kubectl " + strings.Repeat("x", 90): strings.TrimSpace(strings.Repeat("word ", 15)) + " ",
	} {
		if diff := cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(shortRemedy(remedy))); diff != "" {
			t.Errorf("short form of %q (-want +got):\n%s", remedy, diff)
		}
	}
}

func TestJSONListsAreNeverNull(t *testing.T) {
	var out bytes.Buffer
	if err := WriteJSON(&out, Report{SchemaVersion: SchemaVersion, Verdict: policy.Ready, Checks: []Check{{Name: "a"}}}); err != nil {
		t.Fatal(err)
	}
	var object struct {
		Checks []struct {
			Findings []json.RawMessage `json:"findings"`
		} `json:"checks"`
	}
	if err := json.Unmarshal(out.Bytes(), &object); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "null") || object.Checks[0].Findings == nil {
		t.Errorf("a list is null: %s", out.String())
	}
	out.Reset()
	if err := WriteJSON(&out, Report{}); err != nil || strings.Contains(out.String(), "null") {
		t.Errorf("a list is null: %s (%v)", out.String(), err)
	}
}

func TestTextForATerminalStaysWithinItsColumns(t *testing.T) {
	for name, r := range samples(t) {
		var out bytes.Buffer
		if err := WriteText(&out, r, Style{}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(out.String(), "\n") {
			if utf8.RuneCountInString(line) > columns && len(strings.Fields(line)) > 1 && !strings.Contains(line, "very-long") {
				t.Errorf("%s: a line of %d columns: %q", name, utf8.RuneCountInString(line), line)
			}
			if strings.ContainsFunc(line, unicode.IsControl) {
				t.Errorf("%s: a control character would reach the terminal: %q", name, line)
			}
		}
	}
}

func TestAnAgeHasTwoUnits(t *testing.T) {
	for want, age := range map[string]time.Duration{
		"40s": 40 * time.Second, "14m": 15*time.Minute - time.Second, "2h51m": 171 * time.Minute, "3d4h": 76*time.Hour + 30*time.Minute, "1d0h": 24 * time.Hour,
	} {
		if got := elapsed(age); got != want {
			t.Errorf("%s: got %s, want %s", age, got, want)
		}
	}
}

func TestAReportOfManyFindingsIsSmallWhereItMustBe(t *testing.T) {
	var paused []checks.Finding
	for range 5000 {
		paused = append(paused, pausedVM("web-1"))
	}
	decision := policy.Default().Decide([]checks.Result{failed(check("paused-vms", true), paused...)}, nil)
	r := New(Input{Snapshot: snapshot(t), Decision: decision})
	if got := len(Causes(r)); got != maxCauses {
		t.Errorf("got %d causes, want %d", got, maxCauses)
	}
	if !strings.Contains(Message(r), " more of paused-vms.") {
		t.Errorf("the message does not count the rest: %s", Message(r))
	}
}

func BenchmarkMessageOf5000Findings(b *testing.B) {
	var paused []checks.Finding
	for range 5000 {
		paused = append(paused, pausedVM("web-1"))
	}
	decision := policy.Default().Decide([]checks.Result{failed(check("paused-vms", true), paused...)}, nil)
	input := Input{Snapshot: snapshot(b), Decision: decision}
	for b.Loop() {
		r := New(input)
		_, _, _, _, _ = Message(r), Warnings(r), Causes(r), AuditAnnotations(r), EventNote(r, "user")
	}
}
