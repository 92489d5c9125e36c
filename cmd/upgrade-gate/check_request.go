package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/gate"
)

// request turns the flags into the upgrade to judge. Its error lists everything that is wrong with them, one line each.
func (o checkOptions) request() (gate.Request, error) {
	var problems []error
	complain := func(wrong bool, format string, args ...any) {
		if wrong {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	namespace, name, _ := strings.Cut(o.image, "/")
	complain(o.from == "" && o.assumeComplete, "--assume-complete needs --from")
	complain(o.from == "" && o.at != "", "--at needs --from: a cluster is read as it is now")
	complain(o.from != "" && o.connection.readSecrets, "--read-secrets is for a cluster: the Secrets that files hold are read anyway")
	complain(o.version != "" && o.image != "", "--version and --image exclude each other")
	complain(o.version != "" && !isName(o.version), "--version %q is not the name of a version, like v1.4.2", o.version)
	complain(o.image != "" && !(isName(namespace) && isName(name)), "--image %q is not NAMESPACE/NAME of an image", o.image)
	complain(o.output != "text" && o.output != "json", "--output %q is not known: it is text or json", o.output)
	complain(o.timeout <= 0, "--timeout %s is too short", o.timeout)
	request := checks.Request{Version: o.version, Image: o.image, Unspecified: o.version == "" && o.image == ""}
	return gate.Request{Request: request}, errors.Join(problems...)
}

func isName(name string) bool { return len(validation.IsDNS1123Subdomain(name)) == 0 }

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
