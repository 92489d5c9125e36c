package checks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	kubevirtv1 "kubevirt.io/api/core/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

const (
	// workloadUpdatePrefix begins the names of the migrations with which KubeVirt moves guests to its new release by itself.
	workloadUpdatePrefix = "kubevirt-workload-update-"
	// migrationAftermath is how long a VMI may show traces of a migration that is over: controllers clear them one by one, and
	// the launcher pod on the old node has its grace period.
	migrationAftermath = 2 * time.Minute
)

// inFlightMigrations finds guests that are on their way between nodes, and what broken migrations left behind.
func inFlightMigrations() Check {
	return Check{
		Name:  "in-flight-migrations",
		Title: "Virtual machines are being migrated, or a migration was left half done",
		Why: "KubeVirt migrates a VMI only once at a time, so the drain cannot move a guest that is on its way already; what a broken migration " +
			"left behind (state of the VMI, budgets, taints) is waited for without a time limit, and every node then stays in Pre-draining.",
		Finds: "Migrations that have not ended; VMIs that show traces of one without it (a migration state without an end, Harvester's annotations, two " +
			"launcher pods, an evacuation); disruption budgets left over by evacuations; and nodes with the taint kubevirt.io/drain.",
		Remedy: "wait until kubectl get vmim -A shows only Succeeded and Failed, then retry; " +
			"abort a stuck migration with kubectl -n NAMESPACE delete vmim NAME.",
		Severity: Block, ByNamespace: true,
		Needs: []cluster.Kind{cluster.VMIs, cluster.Migrations, cluster.Pods, cluster.DisruptionBudgets, cluster.Nodes},
		Sources: []string{
			"harvester/harvester#5756", "harvester/harvester#6002", "harvester/harvester#10349", "harvester/harvester#10889",
			"kubevirt/kubevirt#2495", "kubevirt/kubevirt#5177", "kubevirt/kubevirt#9585",
			"harvester/harvester package/upgrade/upgrade_node.sh wait_evacuation_pdb_gone",
		},
		Run: runInFlightMigrations,
	}
}

func runInFlightMigrations(p *Pass) error {
	for _, vmi := range p.VMIs() {
		if p.Excluded(vmi) {
			continue
		}
		if migration := p.ActiveMigrationOf(vmi); migration != nil {
			reportMigration(p, migration, vmi)
			continue
		}
		reportHalfMigrated(p, vmi)
	}
	for _, migration := range p.Migrations() {
		if cluster.IsActive(migration) && !p.Excluded(migration) && p.VMI(migration.Namespace, migration.Spec.VMIName) == nil {
			reportMigration(p, migration, nil)
		}
	}
	reportEvacuationBudgets(p)
	reportDrainTaints(p)
	return nil
}

// reportMigration reports an unfinished migration; vmi is nil where the VMI is gone.
func reportMigration(p *Pass, migration *kubevirtv1.VirtualMachineInstanceMigration, vmi *kubevirtv1.VirtualMachineInstance) {
	since := migrationBegan(migration)
	age := p.Age(since)
	f := Finding{Object: ObjectOf(migration), Since: since, Transient: age < p.Settings.StuckMigrationAge}
	f.Message = fmt.Sprintf("migration %s/%s of VM %s%s is unfinished, phase %s", migration.Namespace, migration.Name,
		migration.Spec.VMIName, route(vmi), phaseInWords(string(migration.Status.Phase)))
	if age > 0 {
		f.Message += ", for " + spell(age)
	}
	switch {
	case vmi == nil:
		f.Message += "; that VM is not running"
	case cluster.Text(vmi.Status.EvacuationNodeName) != "":
		f.Message += fmt.Sprintf("; the VM was told to leave %s", vmi.Status.EvacuationNodeName)
	}
	if others := activeCount(p, vmi) - 1; others > 0 {
		f.Message += fmt.Sprintf("; %d more for this VM wait behind it", others)
	}
	abort := fmt.Sprintf("kubectl -n %s delete vmim %s", migration.Namespace, migration.Name)
	switch {
	case !f.Transient:
		f.Remedy = "abort it, unless its guest is very large: " + abort + "; then retry."
	case strings.HasPrefix(migration.Name, workloadUpdatePrefix):
		f.Remedy = "wait and retry: KubeVirt moves VMs to its new release by itself and ends by itself; if it stays, " + abort + "."
	default:
		f.Remedy = "wait until it is done, a few minutes, and retry; to abort it: " + abort + "."
	}
	p.Report(f)
}

// reportHalfMigrated reports traces of a migration on a VMI of which no migration is active.
func reportHalfMigrated(p *Pass, vmi *kubevirtv1.VirtualMachineInstance) {
	if vmi.IsFinal() {
		return
	}
	if vmi.Status.Phase == "" {
		p.Unknownf(vmi, "it reports no phase, so whether it is being migrated is not known")
		return
	}
	facts, since := tracesOfMigration(p, vmi)
	if len(facts) == 0 {
		return
	}
	f := Finding{Object: ObjectOf(vmi), Since: since, Settles: migrationAftermath, Transient: p.Age(since) < p.Settings.StuckMigrationAge}
	f.Message = fmt.Sprintf("%s: no migration runs, but %s", runningVM(vmi), strings.Join(facts, "; "))
	restart := fmt.Sprintf("stop and start it: virtctl stop %[1]s -n %[2]s && virtctl start %[1]s -n %[2]s", vmi.Name, vmi.Namespace)
	f.Remedy = restart + "."
	if f.Transient {
		f.Remedy = "wait two minutes and retry; if it stays, " + restart + "."
	}
	p.Report(f)
}

// tracesOfMigration lists what a VMI still shows of a migration, and since when at least; the time is zero where the VMI
// does not say.
func tracesOfMigration(p *Pass, vmi *kubevirtv1.VirtualMachineInstance) (facts []string, since time.Time) {
	if state := vmi.Status.MigrationState; state != nil {
		switch {
		case state.EndTimestamp != nil:
			since = state.EndTimestamp.Time
		case state.StartTimestamp != nil:
			since = state.StartTimestamp.Time
			facts = append(facts, fmt.Sprintf("a migration from %s to %s began %s ago and never ended", state.SourceNode, state.TargetNode, spell(p.Age(since))))
		}
	}
	if notes := migrationNotes(vmi); len(notes) > 0 {
		facts = append(facts, "it is annotated "+strings.Join(notes, ", "))
	}
	if places := liveLaunchers(p, vmi); len(places) > 1 {
		facts = append(facts, fmt.Sprintf("it has %d launcher pods, on %s", len(places), strings.Join(places, " and ")))
	}
	if node := cluster.Text(vmi.Status.EvacuationNodeName); node != "" {
		if len(facts) == 0 {
			since = time.Time{} // An earlier migration says nothing about when the evacuation was asked for.
		}
		facts = append(facts, "it was told to leave "+node)
	}
	return facts, since
}

// migrationNotes returns the annotations by which Harvester follows a migration.
func migrationNotes(vmi *kubevirtv1.VirtualMachineInstance) []string {
	var notes []string
	for _, name := range [...]string{cluster.AnnotationMigrationUID, cluster.AnnotationMigrationState} {
		if value := cluster.Text(vmi.Annotations[name]); value != "" {
			notes = append(notes, name+"="+value)
		}
	}
	return notes
}

// liveLaunchers returns the nodes of a VMI's launcher pods that have not ended, by its own account or by the pods', whichever
// is longer. It returns nil for the healthy case of at most one.
func liveLaunchers(p *Pass, vmi *kubevirtv1.VirtualMachineInstance) []string {
	pods := p.LauncherPodsOf(vmi)
	if len(vmi.Status.ActivePods) < 2 && len(pods) < 2 {
		return nil
	}
	var active, alive []string
	for _, node := range vmi.Status.ActivePods {
		active = append(active, node)
	}
	for _, pod := range pods {
		if pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed {
			alive = append(alive, pod.Spec.NodeName)
		}
	}
	if len(active) > len(alive) {
		alive = active
	}
	slices.Sort(alive)
	return alive
}

func activeCount(p *Pass, vmi *kubevirtv1.VirtualMachineInstance) int {
	count := 0
	if vmi != nil {
		for _, migration := range p.MigrationsOf(vmi) {
			if cluster.IsActive(migration) {
				count++
			}
		}
	}
	return count
}

// migrationBegan returns when a migration was asked for: the earliest of its creation and its phases, as far as they are known.
func migrationBegan(migration *kubevirtv1.VirtualMachineInstanceMigration) time.Time {
	began := migration.CreationTimestamp.Time
	for _, transition := range migration.Status.PhaseTransitionTimestamps {
		if at := transition.PhaseTransitionTimestamp.Time; began.IsZero() || at.Before(began) {
			began = at
		}
	}
	return began
}

// route returns " from node-1 to node-2" as far as the VMI knows it.
func route(vmi *kubevirtv1.VirtualMachineInstance) string {
	if vmi == nil {
		return ""
	}
	if state := vmi.Status.MigrationState; state != nil && state.EndTimestamp == nil && state.SourceNode != "" && state.TargetNode != "" {
		return fmt.Sprintf(" from %s to %s", state.SourceNode, state.TargetNode)
	}
	if vmi.Status.NodeName == "" {
		return ""
	}
	return " on " + vmi.Status.NodeName
}
