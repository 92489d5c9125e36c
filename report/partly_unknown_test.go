package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/policy"
)

// partlyUnknown is a report with a check that found nothing, but could not judge a part of the cluster that is no single object.
func partlyUnknown(t *testing.T) Report {
	t.Helper()
	gap := checks.Gap{Because: "the drain of node-3 could not be simulated"}
	results := []checks.Result{{Check: check("drain-stuck", true), Outcome: checks.Unknown, Because: gap.Because, Gaps: []checks.Gap{gap}}}
	return New(Input{Snapshot: snapshot(t), Request: checks.Request{Version: "v1.4.2"}, Decision: policy.Default().Decide(results, nil)})
}

func TestWhatIsUnknownWithoutAnObjectIsToldWithoutOne(t *testing.T) {
	r := partlyUnknown(t)
	if r.Verdict != policy.Incomplete {
		t.Fatalf("the verdict is %s", r.Verdict)
	}
	const fact = "the drain of node-3 could not be simulated"
	for form, text := range map[string]string{
		"text":     string(written(t, styled(WriteText, Style{}), r)),
		"wide":     string(written(t, styled(WriteWide, Style{}), r)),
		"markdown": string(written(t, WriteMarkdown, r)),
		"junit":    string(written(t, WriteJUnit, r)),
		"message":  Message(r),
		"warnings": strings.Join(Warnings(r), "\n"),
		"event":    EventNote(r, "user"),
	} {
		if !strings.Contains(text, fact) || strings.Contains(text, ": "+fact+": ") || strings.Contains(text, "  : ") {
			t.Errorf("%s does not tell it plainly:\n%s", form, text)
		}
	}
	if text := string(written(t, styled(WriteText, Style{}), r)); !strings.Contains(text, "  - drain-stuck: "+fact+".\n") {
		t.Errorf("the text is\n%s", text)
	}
	if text := Message(r); !strings.Contains(text, "(1) drain-stuck: not judged in full, because "+fact+".\n") {
		t.Errorf("the message is\n%s", text)
	}
	want := []metav1.StatusCause{{Type: "drain-stuck", Message: "not judged in full, because " + fact + "."}}
	if diff := cmp.Diff(want, Causes(r)); diff != "" {
		t.Errorf("causes (-want +got):\n%s", diff)
	}
}
