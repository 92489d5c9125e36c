package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheProgramAnswersToEachOfItsNames(t *testing.T) {
	for name, c := range map[string]struct {
		arguments []string
		called    string
		args      []string
	}{
		"its own":                         {[]string{"/usr/bin/upgrade-gate", "check"}, "upgrade-gate", []string{"check"}},
		"kubectl's plugin":                {[]string{"/usr/bin/kubectl-upgrade_gate", "check"}, "kubectl upgrade-gate", []string{"check"}},
		"kubectl's plugin on Windows":     {[]string{"kubectl-upgrade_gate.exe"}, "kubectl upgrade-gate", []string{}},
		"the completion of the plugin":    {[]string{"kubectl_complete-upgrade_gate", "explain", "pau"}, "kubectl upgrade-gate", []string{"__complete", "explain", "pau"}},
		"a name that somebody gave it":    {[]string{"ug", "plan"}, "upgrade-gate", []string{"plan"}},
		"none, as exec(2) makes possible": {nil, "upgrade-gate", nil},
	} {
		t.Run(name, func(t *testing.T) {
			called, args := calledAs(c.arguments)
			if called != c.called || !cmp.Equal(args, c.args) {
				t.Errorf("got %q %q, want %q %q", called, args, c.called, c.args)
			}
		})
	}
}

func TestHelpShowsEveryExampleUnderTheNameThatWasCalled(t *testing.T) {
	for _, command := range newRootCommand(programName).Commands() {
		if !command.IsAvailableCommand() || command.Name() == "help" || command.Name() == "completion" || command.Name() == "version" {
			continue
		}
		var out bytes.Buffer
		if code := runAs(context.Background(), pluginShownName, []string{command.Name(), "--help"}, &out, &out); code != 0 {
			t.Fatalf("%s --help ends with %d", command.Name(), code)
		}
		_, examples, found := strings.Cut(out.String(), "\nExamples:\n")
		examples, _, _ = strings.Cut(examples, "\nFlags:\n")
		if !found || strings.Count(examples, "  kubectl upgrade-gate ") < 2 || strings.Contains(strings.ReplaceAll(examples, pluginShownName, ""), programName+" ") {
			t.Errorf("%s --help has no two examples of its own name:\n%s", command.Name(), out.String())
		}
		if command.Long == "" {
			t.Errorf("%s --help does not describe the command", command.Name())
		}
	}
}

func TestAShellCompletesNamesOfChecksAndForms(t *testing.T) {
	for name, c := range map[string]struct {
		typed []string
		want  []string
	}{
		"the first check":                  {[]string{"check", "--only", "drain-"}, []string{"drain-stuck", "drain-disruption"}},
		"one more, which is not there yet": {[]string{"check", "--skip", "drain-stuck,drain-"}, []string{"drain-stuck,drain-disruption"}},
		"a form of a report":               {[]string{"check", "-o", "js"}, []string{"json"}},
		"a form of a plan":                 {[]string{"plan", "-o", "s"}, []string{"svg"}},
		"what fails":                       {[]string{"check", "--fail-on", ""}, []string{"block", "warn"}},
		"a check to explain":               {[]string{"explain", "paused-"}, []string{"paused-vms"}},
		"nothing behind the check":         {[]string{"explain", "paused-vms", ""}, nil},
		"a command":                        {[]string{"coll"}, []string{"collect"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := call(t, append([]string{"__complete"}, c.typed...)...)
			var words []string
			for line := range strings.Lines(got.stdout) {
				word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
				if !strings.HasPrefix(word, ":") {
					words = append(words, word)
				}
			}
			if diff := cmp.Diff(c.want, words); diff != "" {
				t.Errorf("completions (-want +got):\n%s", diff)
			}
		})
	}
}
