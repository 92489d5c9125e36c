package checks

import (
	"testing"
	"time"
)

func TestWhetherAScheduleCanFire(t *testing.T) {
	for schedule, want := range map[string]string{
		"0 2 * * *":                       "fires",
		"*/15 0-6/2 1,15 jan-mar MON":     "fires",
		"0 0 29 2 *":                      "fires",
		"0 0 30 2 *":                      "never",
		"0 0 31 4,6,9,11 *":               "never",
		"0 0 31 4,5 *":                    "fires",
		"0 0 31 2 fri":                    "fires",
		"0 0 * 2 fri":                     "fires",
		"CRON_TZ=Europe/Berlin 0 2 ? * 0": "fires",
		"CRON_TZ=Europe/Berlin":           "error",
		"@every 6h":                       "fires",
		"@weekly":                         "fires",
		"@every day":                      "error",
		"@reboot":                         "error",
		"":                                "error",
		"0 2 * *":                         "error",
		"60 2 * * *":                      "error",
		"5-1 2 * * *":                     "error",
		"*/0 2 * * *":                     "error",
		"0 2 * foo *":                     "error",
	} {
		fires, err := canFire(schedule, time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC))
		got := "never"
		switch {
		case err != nil:
			got = "error"
		case fires:
			got = "fires"
		}
		if got != want {
			t.Errorf("%q: got %s (%v), want %s", schedule, got, err, want)
		}
	}
}
