package checks

import (
	"fmt"

	"github.com/upgrade-gate/upgrade-gate/drain"
)

// unsimulatedTold is how many objects that could not be simulated a check names, where there are many.
const unsimulatedTold = 3

// reportUnsimulated says what of the rolling upgrade could not be simulated, so that the plan may be too good.
func reportUnsimulated(p *Pass, plan drain.Plan) {
	told, more := plan.Unknown, len(plan.Unknown)-unsimulatedTold
	if more > 1 {
		told = told[:unsimulatedTold]
		p.UnknownPart(fmt.Sprintf("%d more could not be simulated", more))
	}
	for _, unknown := range told {
		if unknown.Object == nil {
			p.UnknownPart(unknown.Because)
			continue
		}
		p.Unknownf(unknown.Object, "%s", unknown.Because)
	}
}
