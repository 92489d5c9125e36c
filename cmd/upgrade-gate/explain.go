package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/policy"
	"github.com/upgrade-gate/upgrade-gate/report"
)

func newExplainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [CHECK]",
		Short: "Lists the checks, or tells one check's why and remedy",
		Long: `Lists every check by its name, which --only, --skip, policies and waivers use, with what it looks for; or tells of one check what happens
during an upgrade if it is ignored, what to do, what it reads, and where the rule comes from. It needs no cluster.`,
		Example: `  # Every check
  upgrade-gate explain

  # One of them
  upgrade-gate explain paused-vms`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("explain takes the name of one check, not %d", len(args))
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, named []string, begun string) ([]string, cobra.ShellCompDirective) {
			if len(named) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			different := func(name string) bool { return !strings.HasPrefix(name, begun) }
			return slices.DeleteFunc(checkNames(), different), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return report.WriteCheckList(cmd.OutOrStdout(), checks.All())
			}
			check, ok := checks.Find(args[0])
			if !ok {
				return unknownCheck(args[0])
			}
			return report.WriteCheck(cmd.OutOrStdout(), check)
		},
	}
}

func checkNames() []string {
	var names []string
	for _, check := range checks.All() {
		names = append(names, check.Name)
	}
	return names
}

func unknownCheck(name string) error {
	if near := policy.Nearest(name, checkNames()); len(near) > 0 {
		return fmt.Errorf("no check is named %q; did you mean %s?", name, strings.Join(near, " or "))
	}
	return fmt.Errorf("no check is named %q; upgrade-gate explain lists them all", name)
}
