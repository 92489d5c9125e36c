package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// complete lets a shell complete a flag with words, also after a comma.
func complete(command *cobra.Command, flag string, words ...string) {
	// Its only error is a flag that does not exist, or has been given words already; a test completes every flag.
	_ = command.RegisterFlagCompletionFunc(flag, func(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		before := ""
		if at := strings.LastIndexByte(begun, ','); at >= 0 {
			before = begun[:at+1]
		}
		var all []string
		for _, word := range words {
			if strings.HasPrefix(before+word, begun) && !slices.Contains(strings.Split(before, ","), word) {
				all = append(all, before+word)
			}
		}
		directive := cobra.ShellCompDirectiveNoFileComp
		if command.Flags().Lookup(flag).Value.Type() == "stringSlice" {
			directive |= cobra.ShellCompDirectiveNoSpace
		}
		return all, directive
	})
}
