package report

import (
	"slices"
	"strings"
)

// waivers says, in one sentence for each place where waivers are written, what they waive and what they do not; empty where
// there is none.
func (r Report) waivers() string {
	var places, sentences []string
	for _, w := range r.Waivers {
		if !slices.Contains(places, w.By) {
			places = append(places, w.By)
		}
	}
	for _, place := range places {
		var granted, reasons []string
		refused := map[string][]string{}
		for _, w := range r.Waivers {
			switch what := strings.TrimSpace(w.Check + " " + w.Rule); {
			case w.By != place || what == "":
			case w.Refused == "":
				granted = append(granted, what)
			default:
				reason := strings.TrimPrefix(w.Refused, w.Check+" cannot be waived: ")
				if refused[reason] == nil {
					reasons = append(reasons, reason)
				}
				refused[reason] = append(refused[reason], what)
			}
		}
		var parts []string
		if len(granted) > 0 {
			parts = append(parts, "waives "+strings.Join(granted, ", "))
		}
		for _, reason := range reasons {
			parts = append(parts, "does not waive "+strings.Join(refused[reason], ", ")+" ("+plain(reason)+")")
		}
		if len(parts) == 0 {
			parts = append(parts, "had nothing to waive")
		}
		sentences = append(sentences, sentence("The "+plain(place)+" "+strings.Join(parts, "; ")))
	}
	return strings.Join(sentences, " ")
}
