package main

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/upgrade-gate/upgrade-gate/gate"
	"github.com/upgrade-gate/upgrade-gate/policy"
	"github.com/upgrade-gate/upgrade-gate/report"
)

// checkOptions are the flags of upgrade-gate check.
type checkOptions struct {
	evidenceOptions
	targetOptions
	selection
	policy string
	output string
	failOn string
	// watchChanges is --watch.
	watchChanges bool
	// flags are those of the command, of which a page says how it was made.
	flags *pflag.FlagSet
}

func newCheckCommand() *cobra.Command {
	var options checkOptions
	command := &cobra.Command{
		Use:   "check",
		Short: "Runs every check and tells whether an upgrade may begin",
		Long: `Runs every check against the cluster of the current kubeconfig, or against files (--from): a support bundle, what collect has written,
or a folder of YAML. Nothing is changed; it needs the rights to read that upgrade-gate rbac prints.

Exit codes: 0 ready, 1 could not run, 2 blocked, 3 incomplete (nothing blocks, but not everything could be read).`,
		Example: `  # May this cluster be upgraded to v1.4.2?
  upgrade-gate check --version v1.4.2

  # And the one in this support bundle, as a page to read and to pass on
  upgrade-gate check --from supportbundle_0f3c_2026-11-20T10-00-00Z.zip --version v1.4.2 -o html > report.html

  # Only some checks, for a nightly job that also fails on warnings
  upgrade-gate check --only paused-vms,disk-space --fail-on warn -o junit > report.xml

  # Stay while the cluster is repaired, and tell what becomes better or worse
  upgrade-gate check --version v1.4.2 --watch

  # What blocks, for a script
  upgrade-gate check -o json | jq -r '.checks[] | .name as $check | .findings[] | select(.blocks) | "\($check): \(.message)"'`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return options.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := command.Flags()
	options.evidenceOptions.addFlags(flags)
	options.targetOptions.addFlags(flags)
	options.selection.addFlags(command)
	flags.StringVar(&options.policy, "policy", "", "policy `FILE` (default: every check blocks); see docs/policy.md")
	flags.StringVarP(&options.output, "output", "o", "text", "`FORM` of the report: "+checkForms().names())
	flags.StringVar(&options.failOn, "fail-on", failOnBlock, "what exit code 2 is for: block, or also warn")
	flags.BoolVar(&options.watchChanges, "watch", false, "stay, and tell what becomes better or worse, until interrupted; the exit code is that of the last state")
	complete(command, "output", checkForms().each()...)
	complete(command, "fail-on", failOnBlock, failOnWarn)
	options.flags = flags
	return command
}

// The values of --fail-on.
const (
	failOnBlock = "block"
	failOnWarn  = "warn"
)

// run prints the report. Its error is an exitCode where the report says no.
func (o checkOptions) run(ctx context.Context, out, errOut io.Writer) error {
	request, err := o.request()
	if err != nil {
		return err
	}
	rules, err := o.rules()
	if err != nil {
		return err
	}
	if o.watchChanges {
		return o.watch(ctx, request, rules, out, errOut)
	}
	judged, err := interruptible(ctx, func() (judgement, error) { return o.judge(ctx, request, rules, errOut) })
	if err != nil {
		return err
	}
	form, _ := checkForms().find(o.output)
	if err := form.write(out, judged, styleOf(out, os.Getenv)); err != nil {
		return err
	}
	tellMissingRights(errOut, judged.input.Snapshot)
	return o.exit(judged.report)
}

func (o checkOptions) rules() (*policy.Policy, error) {
	if o.policy == "" {
		return policy.Default(), nil
	}
	return policy.Load(o.policy)
}

// exit returns the exitCode of a report; nil for one that says yes.
func (o checkOptions) exit(r report.Report) error {
	switch {
	case r.Verdict == policy.Blocked:
		return exitCode(exitBlocked)
	case r.Verdict == policy.Incomplete:
		return exitCode(exitIncomplete)
	case o.failOn == failOnWarn && r.Warns():
		return exitCode(exitBlocked)
	}
	return nil
}

// judge reads the cluster and judges it.
func (o checkOptions) judge(ctx context.Context, request gate.Request, rules *policy.Policy, errOut io.Writer) (judgement, error) {
	ctx, cancel, opened, err := o.open(ctx)
	defer cancel()
	if err != nil {
		return judgement{}, err
	}
	source, stop := opened.reading(errOut)
	defer stop()
	run, notRun := o.selection.checks()
	judge := gate.Gate{Checks: run, Now: opened.now}
	input := judge.Examine(ctx, source, request, rules)
	input.NotRun = notRun
	return judgement{input: input, report: report.New(input), origin: o.origin(input.Snapshot.Now())}, nil
}
