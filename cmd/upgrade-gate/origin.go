package main

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/upgrade-gate/upgrade-gate/report"
)

// origin says how to judge the same evidence again: with the flags of this command line, and for files with the time that their ages
// were counted from. What says who one is, as a token does, is left out: a report is passed on.
func (o checkOptions) origin(at time.Time) report.Origin {
	origin := report.Origin{Program: versionOf(version), Check: programName + " check", Plan: programName + " plan"}
	ofPlan := newPlanCommand().Flags()
	add := func(flag *pflag.Flag, values ...string) {
		for _, value := range values {
			argument := " --" + flag.Name
			if flag.Value.Type() != "bool" || value != "true" {
				argument += "=" + quoted(value)
			}
			origin.Check += argument
			if ofPlan.Lookup(flag.Name) != nil {
				origin.Plan += argument
			}
		}
	}
	if o.from != "" {
		add(o.flags.Lookup("from"), o.from)
	}
	o.flags.Visit(func(flag *pflag.Flag) {
		switch {
		case flag.Name == "output", flag.Name == "from", flag.Name == "at", !mayBeShown(flag):
		default:
			add(flag, valuesOf(flag)...)
		}
	})
	if o.from != "" {
		add(o.flags.Lookup("at"), at.UTC().Format(time.RFC3339Nano))
	}
	return origin
}

// mayBeShown tells whether a flag's value may stand in a report. Of kubectl's flags only those that name a cluster may.
func mayBeShown(flag *pflag.Flag) bool {
	return flag.Annotations[ofKubectl] == nil || slices.Contains([]string{"kubeconfig", "context", "cluster", "user", "as", "as-group"}, flag.Name)
}

// valuesOf returns what a flag was set to: of one that can be repeated, each value.
func valuesOf(flag *pflag.Flag) []string {
	if list, ok := flag.Value.(pflag.SliceValue); ok {
		return list.GetSlice()
	}
	return []string{flag.Value.String()}
}

// plainWord is what a shell takes as one word as it stands.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:=,@%+-]+$`)

// quoted makes one word of a text for a shell.
func quoted(text string) string {
	if plainWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
