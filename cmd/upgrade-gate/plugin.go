package main

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// The names under which the program is called: its own, kubectl's plugin "kubectl upgrade-gate", and the helper by which kubectl
// completes the plugin's command lines.
const (
	programName     = "upgrade-gate"
	pluginFile      = "kubectl-upgrade_gate"
	completionFile  = "kubectl_complete-upgrade_gate"
	pluginShownName = "kubectl upgrade-gate"
)

// calledAs returns the name by which a person has called the program, and the arguments that are meant.
func calledAs(arguments []string) (name string, args []string) {
	if len(arguments) == 0 {
		return programName, nil
	}
	switch file := strings.TrimSuffix(filepath.Base(arguments[0]), ".exe"); file {
	case pluginFile:
		return pluginShownName, arguments[1:]
	case completionFile:
		return pluginShownName, append([]string{cobra.ShellCompRequestCmd}, arguments[1:]...)
	}
	return programName, arguments[1:]
}
