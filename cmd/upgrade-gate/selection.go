package main

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/upgrade-gate/upgrade-gate/checks"
)

// selection are the flags that say which checks are run.
type selection struct {
	only, skip []string
}

func (s *selection) addFlags(command *cobra.Command) {
	command.Flags().StringSliceVar(&s.only, "only", nil, "run only these `CHECKS`: paused-vms,disk-space")
	command.Flags().StringSliceVar(&s.skip, "skip", nil, "run all but these `CHECKS`")
	for _, flag := range []string{"only", "skip"} {
		complete(command, flag, checkNames()...)
	}
}

// complain tells what is wrong with the flags.
func (s *selection) complain(to *complaints) {
	to.when(len(s.only) > 0 && len(s.skip) > 0, "--only and --skip exclude each other")
	for _, name := range slices.Concat(s.only, s.skip) {
		if _, ok := checks.Find(name); !ok {
			*to = append(*to, unknownCheck(name))
		}
	}
	left, _ := s.checks()
	to.when(len(left) == 0, "--skip leaves no check to run")
}

// checks returns the checks that are run, and the names of those that are not.
func (s *selection) checks() (run []checks.Check, notRun []string) {
	for _, check := range checks.All() {
		if slices.Contains(s.skip, check.Name) || len(s.only) > 0 && !slices.Contains(s.only, check.Name) {
			notRun = append(notRun, check.Name)
			continue
		}
		run = append(run, check)
	}
	return run, notRun
}
