package policy

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/upgrade-gate/upgrade-gate/checks"
)

// Annotations of an Upgrade with which Harvester's own webhook skips checks (harvester/harvester, pkg/webhook/resources/upgrade).
const (
	annotationSkipWebhook              = "harvesterhci.io/skipWebhook"
	annotationSkipImageGCThreshold     = "harvesterhci.io/skipGarbageCollectionThresholdCheck"
	annotationSkipDetachedSingleVolume = "harvesterhci.io/skipSingleReplicaDetachedVol"
	// annotationMinimumValidity is for how many days certificates must still be valid; Harvester's default is 7, as is ours.
	annotationMinimumValidity = "harvesterhci.io/minCertsExpirationInDay"
)

// wish is a waiver as it is written, before it is known whether it has an effect.
type wish struct {
	// check is the only check that is meant; empty means every check.
	check string
	// rule is the only rule that is meant; empty means every rule.
	rule string
	// by is where the wish is written.
	by string
	// problem says why the wish cannot be understood; empty for one that can.
	problem string
}

// readWishes reads the annotations that ask to go on despite a check, always in the same order. They count by value:
// Harvester takes any value of skipSingleReplicaDetachedVol for a yes, even the "false" that its own UI sends.
func readWishes(annotations map[string]string) []wish {
	var wishes []wish
	if value, ok := annotations[annotationSkipWebhook]; ok && strings.EqualFold(value, "true") {
		wishes = append(wishes, wish{by: written(annotationSkipWebhook, value)})
	}
	for _, single := range []struct{ annotation, check, rule string }{
		{annotationSkipImageGCThreshold, "disk-space", "image-gc-threshold"},
		{annotationSkipDetachedSingleVolume, "single-replica-volumes", "detached"},
	} {
		value, ok := annotations[single.annotation]
		if !ok {
			continue
		}
		w := wish{check: single.check, rule: single.rule, by: written(single.annotation, value)}
		yes, err := strconv.ParseBool(value)
		if err != nil {
			w.problem = fmt.Sprintf("its value %q is neither true nor false", shorten(value))
		}
		if yes || err != nil {
			wishes = append(wishes, w)
		}
	}
	if value, ok := annotations[annotationMinimumValidity]; ok {
		wishes = append(wishes, wishForThreshold(value))
	}
	return wishes
}

// wishForThreshold is the wish for another threshold than the policy's. It waives no finding, for the checks have compared with
// it already; it is there so that the report shows it.
func wishForThreshold(value string) wish {
	w := wish{check: "expiring-certificates", rule: "minimum-validity", by: written(annotationMinimumValidity, value)}
	if _, err := parseDays(value); err != nil {
		w.problem = err.Error()
	}
	return w
}

// parseDays reads a number of days, as Harvester's webhook does; its error says what is wrong with the value.
func parseDays(value string) (int, error) {
	const most = 100 * 365
	days, err := strconv.Atoi(value)
	if err != nil || days <= 0 || days > most {
		return 0, fmt.Errorf("its value %q is no number of days from 1 to %d", shorten(value), most)
	}
	return days, nil
}

// written names an annotation and its value.
func written(annotation, value string) string {
	return fmt.Sprintf("annotation %s=%s", annotation, shorten(value))
}

// shorten cuts a stranger's value to what a report can carry; a value that is meant is "true" or "false".
func shorten(value string) string {
	const most = 40
	if runes := []rune(value); len(runes) > most {
		value = string(runes[:most]) + "…"
	}
	return strings.Join(strings.Fields(value), " ")
}

func (w wish) matches(check, rule string) bool {
	return (w.check == "" || w.check == check) && (w.rule == "" || w.rule == rule)
}

// waiver says what becomes of the wish for a check that it concerns.
func (w wish) waiver(check checks.Check) Waiver {
	waiver := Waiver{Check: check.Name, Rule: w.rule, By: w.by, Refused: w.problem}
	if waiver.Refused == "" && !check.Waivable {
		waiver.Refused = check.Name + " cannot be waived: to go on would lose data or could never succeed"
	}
	return waiver
}
