package checks

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// canFire tells whether a schedule of cron ever comes true after now: "0 0 31 2 *" does not, and people park jobs there. It returns
// an error for a text that is no schedule. Longhorn and Kubernetes read schedules with the same parser.
func canFire(schedule string, now time.Time) (fires bool, err error) {
	defer func() {
		if failure := recover(); failure != nil { // The parser panics on a time zone without a schedule behind it.
			fires, err = false, fmt.Errorf("%q is no schedule", schedule)
		}
	}()
	parsed, err := cron.ParseStandard(strings.TrimSpace(schedule))
	if err != nil {
		return false, err
	}
	return !parsed.Next(now).IsZero(), nil
}
