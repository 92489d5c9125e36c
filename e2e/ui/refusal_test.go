package ui_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/deploy/manifests"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate"
	"github.com/upgrade-gate/upgrade-gate/e2e/gate/gatetest"
)

const (
	// longestMessage is how many characters a refusal may have, without what the API server puts before it.
	longestMessage = 2500
	// longestWord is how many characters of a word the dialog has room for: it does not break words.
	longestWord = 100
)

// prefix is what the API server puts before a refusal.
var prefix = fmt.Sprintf("admission webhook %q denied the request: ", manifests.MutatingWebhookName)

// button is one way to start an upgrade in the UI.
type button struct {
	name, golden, path string
	body               string
}

// buttons are all ways, with the box ticked and without.
func buttons() []button {
	return []button{
		{"the dialog", "dialog", collection, dialog(false)},
		{"the dialog with its box ticked", "dialog-ticked", collection, dialog(true)},
		{"the air-gap page", "air-gap", collection, airGap(false)},
		{"the air-gap page with its box ticked", "air-gap-ticked", collection, airGap(true)},
		{"the dialog of a Steve without Harvester's routes", "dialog", plainCollection, dialog(false)},
	}
}

func TestTheUIShowsWhyAnUpgradeIsRefused(t *testing.T) {
	at := begin(t, "stuck-pre-drained")
	upload(t, at)
	admit(t, at)
	process := gatetest.Guard(t, at.Cluster, gate.Options{})

	messages := map[string]string{}
	var asked []string // in whose name, in the order of the requests
	for _, button := range buttons() {
		for _, who := range []person{{}, owner()} {
			t.Run(fmt.Sprintf("%s, asked by %q", button.name, who.name), func(t *testing.T) {
				got := press(t, at, button.path, button.body, who)
				asked = append(asked, who.name)
				messages[button.golden] = refuses(t, got)
				golden(t, button.golden, messages[button.golden])
			})
		}
	}
	if t.Failed() {
		return
	}
	t.Run("the person is in the event, the log and the audit, and not Steve", func(t *testing.T) { namesThePerson(t, at, process, asked) })
	t.Run("who may not start an upgrade is not told by the gate", func(t *testing.T) { refusesTheViewer(t, at, process) })
	t.Run("both pages show all of it", func(t *testing.T) { showsAll(t, messages) })
	t.Run("nothing has been created", func(t *testing.T) {
		if left := upgrades(t, at); len(left) > 0 {
			t.Errorf("there are upgrades: %v", left)
		}
	})
	t.Run("without a gate it says who does not answer", func(t *testing.T) { saysThatTheGateIsDown(t, at, process) })
}

// refuses returns the message of a refusal, without what the API server puts before it.
func refuses(t *testing.T, got answer) string {
	t.Helper()
	if got.status != http.StatusForbidden || got.text("type") != "error" || got.text("code") != "Forbidden" || got.object["status"] != float64(http.StatusForbidden) {
		t.Fatalf("Steve answers with %d: %s", got.status, got.body)
	}
	message, found := strings.CutPrefix(got.text("message"), prefix)
	if !found {
		t.Fatalf("the message does not begin with %s: %s", prefix, got.text("message"))
	}
	if len(got.warnings) > 0 {
		t.Errorf("Steve passes on warnings of a refusal, which is new: %q", got.warnings)
	}
	readsWell(t, message)
	return message
}

var (
	summary = regexp.MustCompile(`^Upgrade (?:to|from image) \S+ refused: (\d+) problems in \d+ checks would make it hang, fail or lose data\.$`)
	rest    = regexp.MustCompile(`^… and (\d+) more(:|,| of)`)
	item    = regexp.MustCompile(`^\((\d+)\) [a-z-]+: \S.*\.$`)
	markup  = regexp.MustCompile("[<>&`*_#|]|\\]\\(")
)

// readsWell looks at a message as the air-gap page shows it, in lines, and as the dialog does, in one paragraph.
func readsWell(t *testing.T, message string) {
	t.Helper()
	if length := utf8.RuneCountInString(message); length > longestMessage {
		t.Errorf("%d characters, want at most %d", length, longestMessage)
	}
	lines := strings.Split(message, "\n")
	first := summary.FindStringSubmatch(lines[0])
	if first == nil {
		t.Fatalf("it does not begin with how many problems there are: %s", lines[0])
	}
	items, more := 0, 0
	for _, line := range lines {
		if !strings.HasSuffix(line, ".") {
			t.Errorf("in one paragraph this runs into what follows: %s", line)
		}
		if found := item.FindStringSubmatch(line); found != nil {
			if items++; found[1] != fmt.Sprint(items) {
				t.Errorf("item %d is marked as %s", items, line)
			}
		}
		if found := rest.FindStringSubmatch(line); found != nil {
			_, _ = fmt.Sscan(found[1], &more)
		}
	}
	if first[1] != fmt.Sprint(items+more) {
		t.Errorf("it says %s problems, lists %d and leaves out %d", first[1], items, more)
	}
	paragraph := strings.Join(strings.Fields(message), " ")
	if diff := cmp.Diff(strings.ReplaceAll(message, "\n", " "), paragraph); diff != "" {
		t.Errorf("there is white space that a page leaves out (-message +page):\n%s", diff)
	}
	for _, word := range strings.Fields(message) {
		if utf8.RuneCountInString(word) > longestWord {
			t.Errorf("a word of more than %d characters runs out of the dialog: %s", longestWord, word)
		}
	}
	if found := markup.FindString(message); found != "" {
		t.Errorf("markup, which both pages show as it is: %q", found)
	}
}

func saysThatTheGateIsDown(t *testing.T, at *site, process *gate.Process) {
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	got := press(t, at, collection, dialog(false), owner())
	if got.status != http.StatusInternalServerError || got.text("code") != "InternalError" {
		t.Errorf("Steve answers with %d: %s", got.status, got.body)
	}
	message := got.text("message")
	golden(t, "gate-down", regexp.MustCompile(`dial tcp \S+:`).ReplaceAllString(message, "dial tcp ADDRESS:"))
	if !strings.Contains(message, manifests.ValidatingWebhookName) {
		t.Errorf("it does not name the webhook %s: %s", manifests.ValidatingWebhookName, message)
	}
}
