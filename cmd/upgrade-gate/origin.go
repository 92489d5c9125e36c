package main

import (
	"regexp"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/upgrade-gate/upgrade-gate/report"
)

// origin says how to judge the same evidence again: with the flags of this command line, and for files with the time that their ages
// were counted from.
func (o checkOptions) origin(at time.Time) report.Origin {
	origin := report.Origin{Program: versionOf(version), Check: "upgrade-gate check", Plan: "upgrade-gate plan"}
	ofPlan := newPlanCommand().Flags()
	add := func(name, argument string) {
		origin.Check += " " + argument
		if ofPlan.Lookup(name) != nil {
			origin.Plan += " " + argument
		}
	}
	if o.from != "" {
		add("from", "--from "+quoted(o.from))
	}
	o.flags.Visit(func(flag *pflag.Flag) {
		switch {
		case flag.Name == "output", flag.Name == "from", flag.Name == "at":
		case flag.Value.Type() == "bool":
			add(flag.Name, strings.TrimSuffix("--"+flag.Name+"="+flag.Value.String(), "=true"))
		default:
			add(flag.Name, "--"+flag.Name+" "+quoted(flag.Value.String()))
		}
	})
	if o.from != "" {
		add("at", "--at "+at.UTC().Format(time.RFC3339Nano))
	}
	return origin
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
