package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// tellMissingRights says which rights the account lacks, and how to get them. What could not be read for another reason stands in
// the report. It is a courtesy: an error in writing it is not told.
func tellMissingRights(errOut io.Writer, s *cluster.Snapshot) {
	missing := s.MissingRights()
	if len(missing) == 0 {
		return
	}
	const most = 5
	if more := len(missing) - most; more > 1 {
		missing = append(missing[:most:most], fmt.Sprintf("%d more", more))
	}
	fmt.Fprintf(errOut, "This account has no right to %s. upgrade-gate rbac prints all that it needs.\n", strings.Join(missing, ", "))
}
