package main

import (
	"fmt"
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
		Example: "  upgrade-gate explain\n" +
			"  upgrade-gate explain paused-vms",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("explain takes the name of one check, not %d", len(args))
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return checkNames(), cobra.ShellCompDirectiveNoFileComp
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
