package main

import (
	"context"
	"io"
	"slices"
	"strings"

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

// planForm is a form in which a plan is printed.
type planForm struct {
	name  string
	write func(io.Writer, report.Plan) error
}

// planForms are those that -o knows.
var planForms = [...]planForm{
	{"text", report.WritePlanText},
	{"json", report.WritePlanJSON},
	{"yaml", report.WritePlanYAML},
	{"svg", report.WritePlanSVG},
}

func newPlanCommand() *cobra.Command {
	var options planOptions
	command := &cobra.Command{
		Use:   "plan",
		Short: "Tells what an upgrade would do, node by node, and where it would hang",
		Long: "Simulates the rolling upgrade of the cluster of the current kubeconfig, or of a cluster in files: in which order the nodes are\n" +
			"drained, which VMs move where, which are shut down, what the upgrade would hang on, and how long it takes. Nothing is changed.\n\n" +
			"Exit codes: 0 nothing would hang, 1 could not run, 2 something would, 3 nothing would, but not everything could be simulated.",
		Example: "  upgrade-gate plan --version v1.4.2\n" +
			"  upgrade-gate plan --from examples/clusters/stuck-pre-drained --assume-complete --version v1.4.2 -o svg > plan.svg",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return options.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	flags := command.Flags()
	options.evidenceOptions.addFlags(flags)
	options.targetOptions.addFlags(flags)
	flags.StringVarP(&options.output, "output", "o", "text", planFormNames())
	return command
}

func planFormNames() string {
	var names []string
	for _, form := range planForms {
		names = append(names, form.name)
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// run prints the plan. Its error is an exitCode where something would hang, or could not be simulated.
func (o planOptions) run(ctx context.Context, out io.Writer) error {
	form := slices.IndexFunc(planForms[:], func(f planForm) bool { return f.name == o.output })
	var problems complaints
	o.evidenceOptions.complain(&problems)
	o.targetOptions.complain(&problems)
	problems.when(form < 0, "--output %q is not known: it is %s", o.output, planFormNames())
	if err := problems.err(); err != nil {
		return err
	}
	plan, err := interruptible(ctx, func() (report.Plan, error) { return o.plan(ctx) })
	if err != nil {
		return err
	}
	if err := planForms[form].write(out, plan); err != nil {
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
func (o planOptions) plan(ctx context.Context) (report.Plan, error) {
	now, err := o.clock()
	if err != nil {
		return report.Plan{}, err
	}
	ctx, cancel, source, err := o.open(ctx, now)
	defer cancel()
	if err != nil {
		return report.Plan{}, err
	}
	snapshot := cluster.Load(ctx, source, now())
	return report.NewPlan(report.PlanInput{Snapshot: snapshot, Simulated: drain.Simulate(snapshot, o.version), Image: o.image}), nil
}
