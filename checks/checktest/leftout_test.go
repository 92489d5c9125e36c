package checktest

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestWhatIsLeftOutMustBeExpectedAndTheOtherWayRound(t *testing.T) {
	for name, c := range map[string]struct {
		directives string
		leftOut    []string
		want       []string
	}{
		"nothing is left out, and nothing should be":  {"", nil, nil},
		"every part left out is expected":             {"# left-out \"^disks\"\n# left-out `clocks`\n", []string{"clocks: no kubelet", "disks: no kubelet"}, nil},
		"a part is left out unexpectedly":             {"# left-out \"^disks\"\n", []string{"clocks: no kubelet", "disks: no kubelet"}, []string{"unexpectedly left out: clocks: no kubelet"}},
		"a part is not left out although it should":   {"# left-out \"^disks\"\n", nil, []string{`nothing was left out because of "^disks"`}},
		"two parts do not match one pattern together": {"# left-out \"kubelet\"\n", []string{"clocks: no kubelet", "disks: no kubelet"}, []string{"unexpectedly left out: disks: no kubelet"}},
	} {
		t.Run(name, func(t *testing.T) {
			read := caseOf(t, c.directives)
			if diff := cmp.Diff(c.want, read.compareLeftOut(c.leftOut)); diff != "" {
				t.Errorf("complaints (-want +got):\n%s", diff)
			}
			if class := read.Class(); class != LookAlike {
				t.Errorf("class is %s, want %s", class, LookAlike)
			}
		})
	}
}

func TestWhatIsLeftOutSaysNothingAboutTheClass(t *testing.T) {
	for class, directive := range map[Class]string{Fails: `# want "."`, Unknown: `# unjudged "."`, Skipped: `# skipped "."`} {
		if got := caseOf(t, directive+"\n# left-out \"disks\"\n").Class(); got != class {
			t.Errorf("class with %s is %s, want %s", directive, got, class)
		}
	}
}

func TestALeftOutDirectiveNeedsAPattern(t *testing.T) {
	for _, directive := range []string{"# left-out disks\n", `# left-out "("`} {
		if _, err := readCase(fstest.MapFS{"case.yaml": {Data: []byte(directive)}}); err == nil {
			t.Errorf("no error for %q", directive)
		}
	}
}

func caseOf(t *testing.T, directives string) *Case {
	t.Helper()
	c, err := readCase(fstest.MapFS{"case.yaml": {Data: []byte(directives)}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
