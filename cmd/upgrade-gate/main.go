// Command upgrade-gate tells whether a Harvester cluster would survive an upgrade, and refuses one that it would not.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // A second signal ends the program at once.
	name, args := calledAs(os.Args)
	os.Exit(runAs(ctx, name, args, os.Stdout, os.Stderr))
}

// run is runAs for the name that the program has by itself.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return runAs(ctx, programName, args, stdout, stderr)
}

// runAs runs one command line and returns the exit code. Every error is one line for each thing that is wrong. name is what the program
// calls itself in its help.
func runAs(ctx context.Context, name string, args []string, stdout, stderr io.Writer) int {
	root := newRootCommand(name)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	code := exitCode(0)
	if err == nil || errors.As(err, &code) {
		return int(code)
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Fprintln(stderr, "upgrade-gate: "+line)
	}
	return exitFailure
}

func newRootCommand(name string) *cobra.Command {
	root := &cobra.Command{
		Use:   programName,
		Short: "Refuses an upgrade of a Harvester cluster that would hang or lose data",
		Long: `Tells whether a Harvester cluster would survive an upgrade: it looks at virtual machines, volumes, replicas, engines, migrations, nodes,
disks and certificates, simulates the node-by-node drain, and names what would make the upgrade hang, fail or lose data, with what to do.
check and plan read a cluster or files and change nothing; serve is the admission webhook that refuses such an upgrade; unregister switches
it off.`,
		Example: `  # May this cluster be upgraded to v1.4.2?
  upgrade-gate check --version v1.4.2

  # And the cluster in this support bundle?
  upgrade-gate check --from supportbundle_0f3c_2026-11-20T10-00-00Z.zip --version v1.4.2

  # In which order are the nodes drained, which VMs move where, how long does it take?
  upgrade-gate plan --version v1.4.2`,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: name},
		Args:          noArguments,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.AddCommand(newCheckCommand(), newPlanCommand(), newCollectCommand(), newDiffCommand(), newExplainCommand(), newRBACCommand(), newServeCommand(), newUnregisterCommand(), newVersionCommand())
	root.SetUsageFunc(writeUsage)
	for _, command := range append(root.Commands(), root) {
		command.Example = strings.ReplaceAll(command.Example, programName+" ", name+" ")
	}
	return root
}
