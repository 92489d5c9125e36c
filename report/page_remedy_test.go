package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/checks"
)

// asText writes steps as text, with each command that can be copied in brackets, and those in sentences in backquotes.
func asText(steps []pageStep) []string {
	var all []string
	for _, s := range steps {
		all = append(all, strings.TrimSpace(inText(s.Text)+" ["+s.Command+"]"))
	}
	return all
}

func inText(pieces []piece) string {
	var text strings.Builder
	for _, p := range pieces {
		switch {
		case p.Code:
			text.WriteString("`" + p.Text + "`")
		case p.Href != "":
			text.WriteString("<" + p.Text + ">")
		default:
			text.WriteString(p.Text)
		}
	}
	return text.String()
}

func TestRemediesAreTakenApartIntoStepsAndCommands(t *testing.T) {
	for name, c := range map[string]struct {
		remedy string
		want   []string
	}{
		"words alone are one step": {"wait until the volume is healthy.", []string{"Wait until the volume is healthy. []"}},
		"a command after a colon is a step": {"stop its VM: virtctl stop db-1 -n shop; then retry.",
			[]string{"Stop its VM: [virtctl stop db-1 -n shop]", "Then retry. []"}},
		"stops within quotes end nothing": {`set it: kubectl patch x y -p '[{"op":"remove", "path":"/a; b"}]' && kubectl delete z.`,
			[]string{`Set it: [kubectl patch x y -p '[{"op":"remove", "path":"/a; b"}]' && kubectl delete z]`}},
		"a dot within a name ends nothing": {"kubectl get volumes.longhorn.io -w.", []string{"[kubectl get volumes.longhorn.io -w]"}},
		"a command in a sentence stays there": {"remove images: crictl rmi --prune on the node; df -h /usr/local shows what that gave.",
			[]string{"Remove images: `crictl rmi --prune` on the node; `df -h /usr/local` shows what that gave. []"}},
		"a command in parentheses stays there": {"check (kubectl get vmi -A), then delete it: kubectl delete vmi a.",
			[]string{"Check (`kubectl get vmi -A`), then delete it: [kubectl delete vmi a]"}},
		"two commands joined by a word stay there": {"see why with kubectl describe x and kubectl get jobs -n y; repair it.",
			[]string{"See why with `kubectl describe x` and `kubectl get jobs -n y`; repair it. []"}},
		"the name of a check is a link":               {"do what paused-vms says; see paused-vms.", []string{"Do what <paused-vms> says; see <paused-vms>. []"}},
		"a name that is a substitution is no command": {"stop it: virtctl stop $(reboot) -n shop.", []string{"Stop it: virtctl stop $(reboot) -n shop. []"}},
		"a pipe is no command":                        {"stop it: virtctl stop a | sh.", []string{"Stop it: virtctl stop a | sh. []"}},
		"another program after && is no command":      {"stop it: virtctl stop a && curl evil.", []string{"Stop it: virtctl stop a && curl evil. []"}},
		"open quotes are no command":                  {"stop it: virtctl stop 'a; b.", []string{"Stop it: virtctl stop 'a; b. []"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := asText(linker{"paused-vms": true}.steps(c.remedy))
			for i := range got {
				c.want[i] = strings.TrimSpace(c.want[i])
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestNoCommandIsOfferedThatNamesSomethingInvisible(t *testing.T) {
	for _, remedy := range []string{"stop it: virtctl stop \u202Ea -n shop.", "stop it: virtctl stop a\u2028b.", "stop it: virtctl stop " + strings.Repeat("a ", longestText) + "."} {
		for _, s := range (linker{}).remedy(remedy) {
			if s.Command != "" {
				t.Errorf("%.80q becomes the command %.80q", remedy, s.Command)
			}
		}
	}
}

func TestNoWordOfARemedyIsLost(t *testing.T) {
	words := func(text string) string {
		return strings.ToLower(strings.Join(strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ;,.", r) }), " "))
	}
	var remedies []string
	for _, c := range checks.All() {
		remedies = append(remedies, c.Remedy)
	}
	for _, name := range []string{"stuck-pre-drained", "storage", "virtual-machines", "platform", "leftovers"} {
		for _, c := range New(examplePage(t, name)).Checks {
			for _, f := range c.Findings {
				remedies = append(remedies, f.remedy())
			}
		}
	}
	commands := 0
	for _, remedy := range remedies {
		var text strings.Builder
		for _, s := range (linker{}).remedy(remedy) {
			for _, p := range s.Text {
				text.WriteString(p.Text)
			}
			text.WriteString(" " + s.Command + " ")
			if s.Command != "" {
				commands++
			}
		}
		if diff := cmp.Diff(words(printable(remedy)), words(text.String())); diff != "" {
			t.Errorf("-remedy +steps:\n%s", diff)
		}
	}
	if commands < 60 {
		t.Errorf("only %d commands were found in %d remedies", commands, len(remedies))
	}
}
