package policy

import (
	"fmt"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/upgrade-gate/upgrade-gate/checks"
)

// threshold is one field of thresholds in the configuration file.
type threshold struct {
	name string
	// form says what a value looks like.
	form string
	// set puts a value into settings; false for one that has another form or is out of bounds.
	set func(settings *checks.Settings, value string) bool
}

// thresholds lists the fields of thresholds, one for every number of checks.Settings.
func thresholds() []threshold {
	return []threshold{
		bytesThreshold("diskHeadroom", func(s *checks.Settings) *uint64 { return &s.DiskHeadroomBytes }),
		bytesThreshold("diskMinimumFree", func(s *checks.Settings) *uint64 { return &s.DiskMinimumFreeBytes }),
		countThreshold("snapshotMargin", 200, func(s *checks.Settings) *int { return &s.SnapshotMargin }),
		ageThreshold("stuckMigrationAge", func(s *checks.Settings) *time.Duration { return &s.StuckMigrationAge }),
		ageThreshold("staleEngineAge", func(s *checks.Settings) *time.Duration { return &s.StaleEngineAge }),
		ageThreshold("lostEngineAge", func(s *checks.Settings) *time.Duration { return &s.LostEngineAge }),
		ageThreshold("snapshotDeletionAge", func(s *checks.Settings) *time.Duration { return &s.SnapshotDeletionAge }),
		ageThreshold("ioErrorWindow", func(s *checks.Settings) *time.Duration { return &s.IOErrorWindow }),
		validityThreshold("certificateBlockAge", func(s *checks.Settings) *time.Duration { return &s.CertificateBlockAge }),
		validityThreshold("certificateWarnAge", func(s *checks.Settings) *time.Duration { return &s.CertificateWarnAge }),
	}
}

func bytesThreshold(name string, field func(*checks.Settings) *uint64) threshold {
	const most = 1 << 50
	return threshold{name, "a size from 0 to 1Pi, like 30Gi", func(settings *checks.Settings, value string) bool {
		quantity, err := resource.ParseQuantity(value)
		if err != nil || quantity.Sign() < 0 || quantity.Value() > most {
			return false
		}
		*field(settings) = uint64(quantity.Value())
		return true
	}}
}

func countThreshold(name string, most int, field func(*checks.Settings) *int) threshold {
	return threshold{name, fmt.Sprintf("a whole number from 0 to %d", most), func(settings *checks.Settings, value string) bool {
		count, err := strconv.Atoi(value)
		if err != nil || count < 0 || count > most {
			return false
		}
		*field(settings) = count
		return true
	}}
}

func ageThreshold(name string, field func(*checks.Settings) *time.Duration) threshold {
	return timeThreshold(name, "a time from 1s to 720h, like 30m", 30*24*time.Hour, field)
}

// validityThreshold is for certificates, which live a year.
func validityThreshold(name string, field func(*checks.Settings) *time.Duration) threshold {
	return timeThreshold(name, "a time from 1s to 8760h, like 720h", 365*24*time.Hour, field)
}

func timeThreshold(name, form string, most time.Duration, field func(*checks.Settings) *time.Duration) threshold {
	const least = time.Second
	return threshold{name, form, func(settings *checks.Settings, value string) bool {
		age, err := time.ParseDuration(value)
		if err != nil || age < least || age > most {
			return false
		}
		*field(settings) = age
		return true
	}}
}
