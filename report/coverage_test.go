package report

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/checks"
)

func TestTheTableOfCoverageHasARowForEveryCheck(t *testing.T) {
	list := []checks.Check{
		{Name: "found-by-all", Finds: "Nodes that are bad | worse.", Elsewhere: checks.Peers{Webhook: "bad nodes", Script: "<worse> nodes"}},
		{Name: "found-by-none", Finds: "Volumes that are lost."},
	}
	var out bytes.Buffer
	if err := WriteCoveragePage(&out, list); err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(out.String(), "|---|---|---|---|\n")
	want := "| [found-by-all](checks.md#found-by-all) | bad nodes | \\<worse> nodes | Nodes that are bad \\| worse. |\n" +
		"| [found-by-none](checks.md#found-by-none) | – | – | Volumes that are lost. |\n"
	if diff := cmp.Diff(want, table); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestAPageOfCoverageThatCannotBeWrittenIsAnError(t *testing.T) {
	if err := WriteCoveragePage(fullDisk{}, nil); !errors.Is(err, errFull) {
		t.Errorf("error is %v, want %v", err, errFull)
	}
}

var errFull = errors.New("no space left")

// fullDisk takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }
