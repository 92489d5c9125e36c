package main

import (
	"bytes"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const (
	// usageWidth is how wide the table of flags is.
	usageWidth = 120
	// ofKubectl marks the flags that are kubectl's own, which help lists by themselves.
	ofKubectl = "upgrade-gate/of-kubectl"
)

// markOfKubectl marks flags as kubectl's own.
func markOfKubectl(flags *pflag.FlagSet) {
	flags.VisitAll(func(flag *pflag.Flag) {
		flag.Annotations = map[string][]string{ofKubectl: {"true"}}
	})
}

// writeUsage writes what a command's --help says after its description. Its error is that of the writer.
func writeUsage(command *cobra.Command) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "Usage:\n  %s\n", command.UseLine())
	if command.HasAvailableSubCommands() {
		fmt.Fprintf(&out, "  %s COMMAND\n\nCommands:\n", command.CommandPath())
		for _, sub := range command.Commands() {
			if sub.IsAvailableCommand() {
				fmt.Fprintf(&out, "  %-11s %s\n", sub.Name(), sub.Short)
			}
		}
	}
	if command.HasExample() {
		fmt.Fprintf(&out, "\nExamples:\n%s\n", command.Example)
	}
	own, kubectl := pflag.NewFlagSet("own", pflag.ContinueOnError), pflag.NewFlagSet("kubectl", pflag.ContinueOnError)
	command.Flags().VisitAll(func(flag *pflag.Flag) {
		if flag.Annotations[ofKubectl] != nil {
			kubectl.AddFlag(flag)
		} else {
			own.AddFlag(flag)
		}
	})
	if own.HasAvailableFlags() {
		fmt.Fprintf(&out, "\nFlags:\n%s", own.FlagUsagesWrapped(usageWidth))
	}
	if kubectl.HasAvailableFlags() {
		fmt.Fprintf(&out, "\nFlags that say which cluster and as whom, as in kubectl:\n%s", kubectl.FlagUsagesWrapped(usageWidth))
	}
	if command.HasAvailableSubCommands() {
		fmt.Fprintf(&out, "\n%s COMMAND --help tells more, with examples.\n", command.CommandPath())
	}
	_, err := command.OutOrStdout().Write(out.Bytes())
	return err
}
