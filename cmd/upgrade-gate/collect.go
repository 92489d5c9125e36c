package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// collectOptions are the flags of upgrade-gate collect.
type collectOptions struct {
	connection connectionOptions
	output     string
	timeout    time.Duration
}

func newCollectCommand() *cobra.Command {
	var options collectOptions
	command := &cobra.Command{
		Use:   "collect -o FOLDER|FILE.zip",
		Short: "Writes what the checks read of a cluster into files, for check --from",
		Long: `Reads from the cluster of the current kubeconfig exactly what the checks read, in all namespaces, what the kubelets say about their
disks, and which certificates are served, and writes it into a zip or a folder, with the time and what could not be read. check --from
on it gives the verdict that check gives on the cluster now. A support bundle lacks some of that: most namespaces, disks, certificates.

What is written holds names, labels and states of objects. It holds no Secret, no ConfigMap, no cloud-init data, no environment
variable and no log. Nothing is written where a file or folder exists already.

Exit codes: 0 everything was read, 1 could not run, 3 something could not be read (the files say what, and check then says Unknown).`,
		Example: `  # Everything into one file, to send it to somebody
  upgrade-gate collect -o evidence.zip

  # What they do with it
  upgrade-gate check --from evidence.zip --version v1.4.2

  # Files to look at
  upgrade-gate collect -o evidence/`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return options.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := command.Flags()
	flags.StringVarP(&options.output, "output", "o", "", "`PATH` of the zip to write, if it ends in .zip, or else of the folder; required")
	flags.DurationVar(&options.timeout, "timeout", time.Minute, "how long everything may take; what is not read by then is unknown")
	options.connection.addFlags(flags)
	_ = flags.MarkHidden("read-secrets") // So that it is refused with a reason, and not as unknown.
	return command
}

func (o *collectOptions) run(ctx context.Context, out, errOut io.Writer) error {
	var problems complaints
	problems.when(o.output == "", "--output is missing: where to write to, a folder or FILE.zip")
	problems.when(o.timeout <= 0, "--timeout %s is too short", o.timeout)
	problems.when(o.connection.readSecrets, "--read-secrets is not for collect: Secrets are never written to files")
	if err := problems.err(); err != nil {
		return err
	}
	now := time.Now()
	files, err := o.begin(now)
	if err != nil {
		return fmt.Errorf("write the evidence: %w", err)
	}
	var collected *cluster.Collection
	err = files.write(ctx, func(create func(string) (io.Writer, error)) error {
		if collected, err = interruptible(ctx, func() (*cluster.Collection, error) { return o.collect(ctx, errOut) }); err != nil {
			return err
		}
		return collected.Write(versionOf(version), create)
	})
	if err != nil {
		return err
	}
	return o.tell(out, collected)
}

func (o *collectOptions) begin(now time.Time) (*wholeFiles, error) {
	if strings.EqualFold(filepath.Ext(o.output), ".zip") {
		return newWholeZip(o.output, now)
	}
	return newWholeFolder(o.output)
}

func (o *collectOptions) collect(ctx context.Context, errOut io.Writer) (*cluster.Collection, error) {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	source, err := o.connection.source(ctx, time.Now)
	if err != nil {
		return nil, err
	}
	source, stop := opened{source, time.Now}.reading(errOut)
	defer stop()
	return cluster.Collect(ctx, source, time.Now()), nil
}

// tell says what was written, and what is missing. Its error is an exitCode where something is.
func (o *collectOptions) tell(out io.Writer, collected *cluster.Collection) error {
	missing := collected.Missing()
	text := fmt.Sprintf("Wrote %d objects to %s. To judge them: upgrade-gate check --from %s\n", collected.Count(), o.output, o.output)
	for _, what := range missing {
		text += fmt.Sprintf("Not read: %s.\n", strings.TrimRight(what, "."))
	}
	if _, err := io.WriteString(out, text); err != nil {
		return fmt.Errorf("tell what was written: %w", err)
	}
	if len(missing) > 0 {
		return exitCode(exitIncomplete)
	}
	return nil
}

// errInterrupted is the error of work that a signal has ended.
var errInterrupted = errors.New("interrupted")
