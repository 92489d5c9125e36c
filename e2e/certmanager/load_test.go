package certmanager_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/upgrade-gate/upgrade-gate/deploy/manifests"
	"github.com/upgrade-gate/upgrade-gate/e2e/traffic"
)

// load is people who press the button, and what the API server has logged when they began.
type load struct {
	*traffic.Traffic
	log    string
	logged int
}

func (c *cluster) startLoad(t *testing.T) *load {
	t.Helper()
	text, err := os.ReadFile(c.APIServerLog)
	if err != nil {
		t.Fatal(err)
	}
	return &load{traffic.Start(t, c.Config), c.APIServerLog, len(text)}
}

// countAll finishes the traffic. Each call must have got our verdict. What a gate does not answer in the mutating phase, the API
// server asks again in the validating one, and people notice nothing; so none of those calls may have failed either, other than for
// lack of time on a busy machine.
func (l *load) countAll(t *testing.T, least int) {
	t.Helper()
	counts := l.Count(t, traffic.InAdvance, traffic.Validated)
	if got := counts[traffic.InAdvance] + counts[traffic.Validated]; got < least {
		t.Errorf("%d calls got our verdict, want at least %d", got, least)
	}
	text, err := os.ReadFile(l.log)
	if err != nil {
		t.Fatal(err)
	}
	late := 0
	for line := range bytes.Lines(text[l.logged:]) {
		said := string(line)
		switch {
		case !strings.Contains(said, "failing open "+manifests.MutatingWebhookName):
		case strings.Contains(said, "context deadline exceeded"):
			late++
		default:
			t.Errorf("the API server could not call a gate: %s", said)
		}
	}
	if late < counts[traffic.Validated] {
		t.Errorf("%d calls were not answered in the mutating phase, and only %d of them for lack of time", counts[traffic.Validated], late)
	}
}
