package main

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/drain"
	"github.com/upgrade-gate/upgrade-gate/report"
)

// planOptions are the flags of upgrade-gate plan.
type planOptions struct {
	evidenceOptions
	targetOptions
	output string
}

// planForms are those that -o knows.
func planForms() forms[report.Plan] {
	plain := func(write func(io.Writer, report.Plan) error) func(io.Writer, report.Plan, report.Style) error {
		return func(w io.Writer, p report.Plan, _ report.Style) error { return write(w, p) }
	}
	return forms[report.Plan]{
		{"text", report.WritePlanText},
		{"json", plain(report.WritePlanJSON)},
		{"yaml", plain(report.WritePlanYAML)},
		{"svg", plain(report.WritePlanSVG)},
	}
}

func newPlanCommand() *cobra.Command {
	var options planOptions
	command := &cobra.Command{
		Use:   "plan",
		Short: "Tells what an upgrade would do, node by node, and where it would hang",
		Long: `Simulates the rolling upgrade of the cluster of the current kubeconfig, or of a cluster in files (--from): in which order the nodes are
drained, which VMs move where, which are shut down, what the upgrade would hang on, and how long it takes. Nothing is changed. How the
simulation works, and how far it can be believed, stands in docs/drain.md.

Exit codes: 0 nothing would hang, 1 could not run, 2 something would, 3 nothing would, but not everything could be simulated.`,
		Example: `  # What an upgrade to v1.4.2 would do
  upgrade-gate plan --version v1.4.2

  # As a picture, of the cluster in a support bundle
  upgrade-gate plan --from supportbundle_0f3c_2026-11-20T10-00-00Z.zip --version v1.4.2 -o svg > plan.svg

  # Which VMs are shut down, for a script
  upgrade-gate plan -o json | jq -r '.nodes[].shutDowns[].object | "\(.namespace)/\(.name)"'`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return options.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := command.Flags()
	options.evidenceOptions.addFlags(flags)
	options.targetOptions.addFlags(flags)
	flags.StringVarP(&options.output, "output", "o", "text", "`FORM` of the plan: "+planForms().names())
	complete(command, "output", planForms().each()...)
	return command
}

// run prints the plan. Its error is an exitCode where something would hang, or could not be simulated.
func (o planOptions) run(ctx context.Context, out, errOut io.Writer) error {
	form, known := planForms().find(o.output)
	var problems complaints
	o.evidenceOptions.complain(&problems)
	o.targetOptions.complain(&problems)
	problems.when(!known, "--output %q is not known: it is %s", o.output, planForms().names())
	if err := problems.err(); err != nil {
		return err
	}
	plan, err := interruptible(ctx, func() (report.Plan, error) { return o.plan(ctx, errOut) })
	if err != nil {
		return err
	}
	if err := form.write(out, plan, styleOf(out, os.Getenv)); err != nil {
		return err
	}
	switch plan.Outcome {
	case report.Hangs:
		return exitCode(exitBlocked)
	case report.Untold:
		return exitCode(exitIncomplete)
	}
	return nil
}

// plan reads the cluster and simulates its upgrade. The version of an image is not known before the upgrade reads it.
func (o planOptions) plan(ctx context.Context, errOut io.Writer) (report.Plan, error) {
	ctx, cancel, opened, err := o.open(ctx)
	defer cancel()
	if err != nil {
		return report.Plan{}, err
	}
	source, stop := opened.reading(errOut)
	defer stop()
	snapshot := cluster.Load(ctx, source, opened.now())
	return report.NewPlan(report.PlanInput{Snapshot: snapshot, Simulated: drain.Simulate(snapshot, o.version), Image: o.image}), nil
}
