package checks

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const (
	// leaseSkew is how far a lease may be off the others: a kubelet renews it every ten seconds, and takes a moment to.
	leaseSkew = 15 * time.Second
	// leaseRenewal is when a kubelet that is late with its lease has renewed it or its node is no longer Ready.
	leaseRenewal = time.Minute
)

// What Harvester's node manager says of a clock (harvester/node-manager, pkg/monitor/ntp.go).
const (
	ntpSynced   = "synced"
	ntpUnsynced = "unsynced"
	ntpDisabled = "disabled"
)

// clockSkew finds nodes whose clocks are wrong, by what they say themselves and by the leases that they renew.
func clockSkew() Check {
	return Check{
		Name:  "clock-skew",
		Title: "Clocks of nodes are not synchronised",
		Why: "etcd, certificates and leases go by the nodes' clocks. A node whose clock is wrong may not join again after its reboot, as in Waiting Reboot, for " +
			"the certificates that it is given are not valid yet, and etcd may elect a new leader at every change.",
		Finds: "Nodes whose NTP service reports that the clock is not synchronised; and nodes that are Ready and whose lease, which they renew every ten " +
			"seconds by their own clock, is more than 15 seconds off the median of all.",
		Beyond: "Skews below 15 seconds, and whether a synchronised clock follows a wrong server, are only visible on the nodes.",
		Remedy: "see on each node what it synchronises with: timedatectl timesync-status; " +
			"set servers that all nodes reach: kubectl edit settings.harvesterhci.io ntp-servers.",
		Severity: Warn,
		Waivable: true,
		Needs:    []cluster.Kind{cluster.Nodes, cluster.NodeLeases},
		Sources: []string{
			"harvester/harvester#2860", "harvester/harvester#3133", "harvester/harvester#4099", "harvester/node-manager pkg/monitor checkNTPSyncStatus",
		},
		Run: runClockSkew,
	}
}

func runClockSkew(p *Pass) error {
	leases := make(map[string]*coordinationv1.Lease, len(p.NodeLeases()))
	for _, lease := range p.NodeLeases() {
		leases[lease.Name] = lease
	}
	renewed := renewals(p, leases)
	reference, known := medianRenewal(renewed)
	var silent []string
	for _, node := range p.Nodes() {
		fact, reported := ntpFact(p, node)
		if !reported {
			silent = append(silent, node.Name)
		}
		f := Finding{Object: ObjectOf(node)}
		at, compared := renewed[node.Name]
		off := at.Sub(reference)
		skewed := known && compared && off.Abs() > leaseSkew
		switch {
		case skewed && fact != "":
			f.Message = fmt.Sprintf("node %s %s, and %s", node.Name, fact, skewInWords(off))
		case skewed:
			f.Message = fmt.Sprintf("node %s %s", node.Name, skewInWords(off))
			f.Transient, f.Settles = true, leaseRenewal
			f.Remedy = fmt.Sprintf("wait %s, in which a late kubelet renews its lease, and try again. If it stays: timedatectl timesync-status on %s.", spell(leaseRenewal), node.Name)
		case fact != "":
			f.Message = fmt.Sprintf("node %s %s", node.Name, fact)
		default:
			continue
		}
		p.Report(f)
	}
	if len(silent) > 0 {
		p.LeaveOut("whether the clock is synchronised by NTP on " + strings.Join(silent, ", ") + " (no annotation " + cluster.AnnotationNTPService + ")")
	}
	return nil
}

func skewInWords(off time.Duration) string {
	when := "after"
	if off < 0 {
		when = "before"
	}
	return fmt.Sprintf("last renewed its lease, by its own clock, %s %s the other nodes", spell(off.Abs()), when)
}

// ntpFact says what is wrong with a clock by its node's own word; reported is false where the node says nothing of it. Where NTP is
// disabled, something else may set the clock; the lease then tells.
func ntpFact(p *Pass, node *corev1.Node) (fact string, reported bool) {
	text := cluster.Text(node.Annotations[cluster.AnnotationNTPService])
	if text == "" {
		return "", false
	}
	var ntp struct {
		Status  string `json:"ntpSyncStatus"`
		Servers string `json:"currentNtpServers"`
	}
	if err := json.Unmarshal([]byte(text), &ntp); err != nil {
		p.Unknownf(node, "its annotation %s is not JSON", cluster.AnnotationNTPService)
		return "", true
	}
	switch ntp.Status {
	case ntpSynced, ntpDisabled:
		return "", true
	case ntpUnsynced:
		if servers := strings.Fields(cluster.Text(ntp.Servers)); len(servers) > 0 {
			return "reports that its clock is not synchronised with " + strings.Join(servers, ", "), true
		}
		return "reports that its clock is not synchronised, and names no NTP server", true
	}
	p.Unknownf(node, "its annotation %s says %q", cluster.AnnotationNTPService, ntp.Status)
	return "", true
}

// renewals returns when each Ready node last renewed its lease, by its own clock. A node that is not Ready may have stopped to.
func renewals(p *Pass, leases map[string]*coordinationv1.Lease) map[string]time.Time {
	renewed := make(map[string]time.Time, len(p.Nodes()))
	for _, node := range p.Nodes() {
		ready := cluster.NodeCondition(node, corev1.NodeReady)
		switch {
		case ready == nil:
			p.Unknownf(node, "it reports no condition Ready")
		case ready.Status == corev1.ConditionFalse || ready.Status == corev1.ConditionUnknown:
		case ready.Status != corev1.ConditionTrue:
			p.Unknownf(node, "its condition Ready is %q", ready.Status)
		case leases[node.Name] == nil:
			p.Unknownf(node, "it has no lease")
		case leases[node.Name].Spec.RenewTime == nil:
			p.Unknownf(node, "its lease was never renewed")
		default:
			renewed[node.Name] = leases[node.Name].Spec.RenewTime.Time
		}
	}
	return renewed
}

// medianRenewal returns the renewal in the middle, the later one of two, so that it is that of a node; false where there are
// fewer than two to compare.
func medianRenewal(renewed map[string]time.Time) (time.Time, bool) {
	if len(renewed) < 2 {
		return time.Time{}, false
	}
	times := make([]time.Time, 0, len(renewed))
	for _, at := range renewed {
		times = append(times, at)
	}
	slices.SortFunc(times, time.Time.Compare)
	return times[len(times)/2], true
}
