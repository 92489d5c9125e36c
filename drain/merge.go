package drain

import "slices"

// mergeOrder compares the plan of another possible order with that of the first. What happens in both is as sure as it was; what happens
// in one only depends on the order, and is at most likely.
func mergeOrder(plan, other []NodePlan) {
	byNode := make(map[string]*NodePlan, len(other))
	for i := range other {
		byNode[other[i].Node] = &other[i]
	}
	for i := range plan {
		node, again := &plan[i], byNode[plan[i].Node]
		if again == nil {
			continue
		}
		node.Earliest, node.Latest = min(node.Earliest, again.Position), max(node.Latest, again.Position)
		for j := range node.Stops {
			if !anywhere(other, node.Stops[j]) {
				node.Stops[j] = node.Stops[j].dependent()
			}
		}
		for _, stop := range again.Stops {
			if !anywhere(plan, stop) {
				node.Stops = append(node.Stops, stop.dependent())
			}
		}
		for j := range node.ShutDowns {
			if !shutAnywhere(other, node.ShutDowns[j]) {
				node.ShutDowns[j].Confidence = Possible
			}
		}
		for _, down := range again.ShutDowns {
			if !shutAnywhere(plan, down) {
				down.Confidence = Possible
				node.ShutDowns = append(node.ShutDowns, down)
			}
		}
		sortByVM(node.ShutDowns, func(s ShutDown) (string, string) { return s.Namespace, s.Name })
	}
}

// anywhere tells whether an order hangs on the same, be it at another node: a cause that any node would hang on is told at whichever comes
// first.
func anywhere(plan []NodePlan, stop Stop) bool {
	return slices.ContainsFunc(plan, func(n NodePlan) bool { return slices.ContainsFunc(n.Stops, stop.sameAs) })
}

func shutAnywhere(plan []NodePlan, down ShutDown) bool {
	return slices.ContainsFunc(plan, func(n NodePlan) bool {
		return slices.ContainsFunc(n.ShutDowns, func(s ShutDown) bool { return s.Namespace == down.Namespace && s.Name == down.Name })
	})
}

func (s Stop) sameAs(other Stop) bool {
	return s.State == other.State && objectKey(s.Object) == objectKey(other.Object) && s.Check == other.Check
}

func (s Stop) dependent() Stop {
	s.OrderDependent = true
	if s.Confidence == Certain {
		s.Confidence = Likely
	}
	return s
}
