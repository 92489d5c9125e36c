package leftout_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/e2e/leftout"
)

var errNoRoot = errors.New("the user is not root")

// ended is a test that notes how it was ended.
type ended struct {
	testing.TB
	how string
}

func (e *ended) Helper()           {}
func (e *ended) Skip(args ...any)  { e.end("skipped: " + fmt.Sprint(args...)) }
func (e *ended) Fatal(args ...any) { e.end("failed: " + fmt.Sprint(args...)) }

// end keeps the first: the real one does not come back.
func (e *ended) end(how string) {
	if e.how == "" {
		e.how = how
	}
}

func TestWhatCannotRunIsLeftOutAndFailsInCI(t *testing.T) {
	const refused = "nothing may be left out where CI is set: the user is not root"
	for ci, want := range map[string]struct {
		test, binary string
		code         int
	}{
		"":     {"skipped: the user is not root", "left out: the user is not root\n", 0},
		"true": {"failed: " + refused, refused + "\n", 1},
		// Some set it to a number, or to their name.
		"1": {"failed: " + refused, refused + "\n", 1},
	} {
		t.Run("CI="+ci, func(t *testing.T) {
			t.Setenv("CI", ci)
			test := &ended{TB: t}
			leftout.Test(test, errNoRoot)
			if diff := cmp.Diff(want.test, test.how); diff != "" {
				t.Errorf("how the test ends (-want +got):\n%s", diff)
			}
			var said strings.Builder
			if code := leftout.Binary(&said, errNoRoot); code != want.code {
				t.Errorf("the binary ends with %d, want %d", code, want.code)
			}
			if diff := cmp.Diff(want.binary, said.String()); diff != "" {
				t.Errorf("what the binary says (-want +got):\n%s", diff)
			}
		})
	}
}
