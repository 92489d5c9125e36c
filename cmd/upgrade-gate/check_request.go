package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/gate"
)

// request turns the flags into the upgrade to judge. Its error lists everything that is wrong with them, one line each.
func (o checkOptions) request() (gate.Request, error) {
	var problems complaints
	o.evidenceOptions.complain(&problems)
	o.targetOptions.complain(&problems)
	o.selection.complain(&problems)
	problems.when(o.failOn != failOnBlock && o.failOn != failOnWarn, "--fail-on %q is not known: it is block or warn", o.failOn)
	_, known := checkForms().find(o.output)
	problems.when(!known, "--output %q is not known: it is %s", o.output, checkForms().names())
	request := checks.Request{Version: o.version, Image: o.image, Unspecified: o.version == "" && o.image == ""}
	return gate.Request{Request: request}, problems.err()
}

// complaints collects everything that is wrong with a command line.
type complaints []error

func (c *complaints) when(wrong bool, format string, args ...any) {
	if wrong {
		*c = append(*c, fmt.Errorf(format, args...))
	}
}

func (c *complaints) err() error { return errors.Join(*c...) }

// noArguments refuses arguments of a command that has none.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.HasSubCommands() {
		return fmt.Errorf("no command is named %q; %s --help lists them", args[0], cmd.CommandPath())
	}
	return fmt.Errorf("%s takes no argument, but got %q; see %s --help", cmd.Name(), args[0], cmd.CommandPath())
}
