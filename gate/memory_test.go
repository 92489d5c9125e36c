package gate

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/checks"
)

var at = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

func found(check string, names ...string) checks.Result {
	result := checks.Result{Check: checks.Check{Name: check}, Outcome: checks.Failed}
	for _, name := range names {
		result.Findings = append(result.Findings, checks.Finding{Object: checks.Object{Kind: "Volume", Name: name}, Transient: true})
	}
	return result
}

// since returns when the findings of a result are dated, by name.
func since(result checks.Result) map[string]time.Time {
	dates := map[string]time.Time{}
	for _, f := range result.Findings {
		dates[f.Object.Name] = f.Since
	}
	return dates
}

func TestAFindingIsDatedWhenItIsFirstSeen(t *testing.T) {
	m := NewMemory()
	m.Date([]checks.Result{found("a", "v1")}, at)
	second := []checks.Result{found("a", "v1", "v2"), found("b", "v1")}
	m.Date(second, at.Add(time.Minute))
	if diff := cmp.Diff(map[string]time.Time{"v1": at, "v2": at.Add(time.Minute)}, since(second[0])); diff != "" {
		t.Errorf("dates (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]time.Time{"v1": at.Add(time.Minute)}, since(second[1])); diff != "" {
		t.Errorf("dates of another check (-want +got):\n%s", diff)
	}
}

func TestAFindingThatHasGoneBeginsAnew(t *testing.T) {
	m := NewMemory()
	m.Date([]checks.Result{found("a", "v1")}, at)
	m.Date([]checks.Result{{Check: checks.Check{Name: "a"}, Outcome: checks.Passed}}, at.Add(time.Minute))
	again := []checks.Result{found("a", "v1")}
	m.Date(again, at.Add(2*time.Minute))
	if diff := cmp.Diff(map[string]time.Time{"v1": at.Add(2 * time.Minute)}, since(again[0])); diff != "" {
		t.Errorf("dates (-want +got):\n%s", diff)
	}
}

func TestWhatAnUnknownCheckFoundBeforeIsKept(t *testing.T) {
	m := NewMemory()
	m.Date([]checks.Result{found("a", "v1"), found("ab", "v1")}, at)
	m.Date([]checks.Result{{Check: checks.Check{Name: "a"}, Outcome: checks.Unknown}}, at.Add(time.Minute))
	again := []checks.Result{found("a", "v1"), found("ab", "v1")}
	m.Date(again, at.Add(2*time.Minute))
	if diff := cmp.Diff(map[string]time.Time{"v1": at}, since(again[0])); diff != "" {
		t.Errorf("dates (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]time.Time{"v1": at.Add(2 * time.Minute)}, since(again[1])); diff != "" {
		t.Errorf("dates of a check whose name begins alike (-want +got):\n%s", diff)
	}
}

func TestTheObjectsOwnDateIsKeptAndALastingStateIsNotDated(t *testing.T) {
	results := []checks.Result{found("a", "v1"), found("a", "v2")}
	results[0].Findings[0].Since = at.Add(-time.Hour)
	results[1].Findings[0].Transient = false
	NewMemory().Date(results, at)
	if got := results[0].Findings[0].Since; !got.Equal(at.Add(-time.Hour)) {
		t.Errorf("got %s", got)
	}
	if got := results[1].Findings[0].Since; !got.IsZero() {
		t.Errorf("got %s", got)
	}
}

func TestANilMemoryRemembersNothing(t *testing.T) {
	results := []checks.Result{found("a", "v1")}
	var m *Memory
	m.Date(results, at)
	if !results[0].Findings[0].Since.IsZero() {
		t.Error("dated")
	}
}
