package cluster

import "slices"

// MissingRights returns the rights for want of which evidence could not be read: "list pods", "get nodes/stats". They are in the order
// of the tables; empty where none is missing, and for files.
func (s *Snapshot) MissingRights() []string {
	var missing []string
	for _, resource := range everyResource() {
		if s.evidence[resource.Kind].Forbidden {
			missing = append(missing, "list "+string(resource.Kind))
		}
	}
	for _, kind := range []Kind{KubeletStats, KubeletConfig} {
		for _, answer := range s.kubelets {
			if slices.Contains(answer.Forbidden, kind) {
				missing = append(missing, "get "+string(kind))
				break
			}
		}
	}
	return missing
}
