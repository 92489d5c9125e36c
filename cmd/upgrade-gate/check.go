package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/gate"
	"github.com/upgrade-gate/upgrade-gate/policy"
	"github.com/upgrade-gate/upgrade-gate/report"
)

// checkOptions are the flags of upgrade-gate check.
type checkOptions struct {
	evidenceOptions
	targetOptions
	policy string
	output string
	// flags are those of the command, of which a page says how it was made.
	flags *pflag.FlagSet
}

func newCheckCommand() *cobra.Command {
	var options checkOptions
	command := &cobra.Command{
		Use:   "check",
		Short: "Runs every check and tells whether an upgrade may begin",
		Long: "Runs every check against the cluster of the current kubeconfig, or against a cluster in files.\n\n" +
			"Exit codes: 0 ready, 1 could not run, 2 blocked, 3 incomplete (nothing blocks, but not everything could be read).",
		Example: "  upgrade-gate check --version v1.4.2\n" +
			"  upgrade-gate check --from examples/clusters/healthy --version v1.4.2 -o json",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return options.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	flags := command.Flags()
	options.evidenceOptions.addFlags(flags)
	options.targetOptions.addFlags(flags)
	flags.StringVar(&options.policy, "policy", "", "policy file (default: every check blocks)")
	flags.StringVarP(&options.output, "output", "o", "text", checkForms().names())
	options.flags = flags
	return command
}

// run prints the report. Its error is an exitCode where the report says no.
func (o checkOptions) run(ctx context.Context, out io.Writer) error {
	request, err := o.request()
	if err != nil {
		return err
	}
	form, _ := checkForms().find(o.output)
	rules := policy.Default()
	if o.policy != "" {
		if rules, err = policy.Load(o.policy); err != nil {
			return err
		}
	}
	judged, err := interruptible(ctx, func() (judgement, error) { return o.judge(ctx, request, rules) })
	if err != nil {
		return err
	}
	if err := form.write(out, judged, report.Style{}); err != nil {
		return err
	}
	switch judged.report.Verdict {
	case policy.Ready:
		return nil
	case policy.Blocked:
		return exitCode(exitBlocked)
	}
	return exitCode(exitIncomplete)
}

// judge reads the cluster and judges it.
func (o checkOptions) judge(ctx context.Context, request gate.Request, rules *policy.Policy) (judgement, error) {
	ctx, cancel, opened, err := o.open(ctx)
	defer cancel()
	if err != nil {
		return judgement{}, err
	}
	judge := gate.Gate{Checks: checks.All(), Now: opened.now}
	input := judge.Examine(ctx, opened.source, request, rules)
	return judgement{input: input, report: report.New(input), origin: o.origin(input.Snapshot.Now())}, nil
}
