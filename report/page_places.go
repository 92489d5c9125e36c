package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// placer finds out on which node the object of a finding is.
type placer struct {
	snapshot  *cluster.Snapshot
	on        map[string]*spots
	elsewhere *spots
	own       map[string][]markRef
	places    map[string]string
	idOf      map[string]string
	// replicas are by name; nil until a finding is about one.
	replicas map[string]*cluster.Replica
}

// spots are guilty objects of one node, each once.
type spots struct {
	at  map[string]int
	all []spot
}

func newSpots() *spots { return &spots{at: map[string]int{}} }

// mostMarks is how many findings are named at one object.
const mostMarks = 4

func (s *spots) add(shape spotShape, label, full string, ref markRef) {
	i, ok := s.at[full]
	if !ok {
		i = len(s.all)
		s.at[full] = i
		s.all = append(s.all, spot{shape: shape, Label: label, Full: full})
	}
	if refs := s.all[i].Refs; len(refs) >= mostMarks {
		s.all[i].More++
	} else if !slices.Contains(refs, ref) {
		s.all[i].Refs = append(refs, ref)
	}
}

// sorted returns the spots, those that block first, in the order of their findings.
func (s *spots) sorted() []spot {
	sorted := slices.Clone(s.all)
	slices.SortStableFunc(sorted, func(a, b spot) int { return cmp.Compare(a.Refs[0].Class, b.Refs[0].Class) })
	return sorted
}

// few returns the first of the spots, and how many more there are.
func (s *spots) few(most int) ([]spot, int) {
	sorted := s.sorted()
	return sorted[:min(len(sorted), most)], max(len(sorted)-most, 0)
}

// place puts a finding on the map.
func (p *placer) place(it marked) {
	object := it.finding.Object
	switch group, _, _ := strings.Cut(object.APIVersion, "/"); {
	case object.Kind == "Node" && p.on[object.Name] != nil:
		p.own[object.Name] = append(p.own[object.Name], it.ref)
		p.remember(it, object.Name)
	case object.Kind == "VirtualMachineInstance", object.Kind == "VirtualMachine":
		p.vm(it, object.Namespace, object.Name)
	case object.Kind == "VirtualMachineInstanceMigration":
		p.migration(it)
	case group == "longhorn.io" && object.Kind == "Volume":
		p.volume(it, object.Name)
	case group == "longhorn.io" && object.Kind == "Engine":
		p.engine(it, object.Name)
	case group == "longhorn.io" && object.Kind == "Replica":
		p.replica(it, object.Name)
	default:
		p.object(it, p.nodeOf(object))
	}
}

// remember notes the first place of a finding, where its link leads.
func (p *placer) remember(it marked, node string) {
	if id := p.idOf[node]; id != "" && p.places[it.ref.Mark] == "" {
		p.places[it.ref.Mark] = "#" + id
	}
}

// add puts an object on its node, or beside the nodes where there is none.
func (p *placer) add(it marked, node string, shape spotShape, label, full string) {
	on := p.on[node]
	if on == nil {
		on = p.elsewhere
	}
	on.add(shape, printable(label), printable(full), it.ref)
	p.remember(it, node)
}

func (p *placer) object(it marked, node string) {
	object := it.finding.Object
	p.add(it, node, shapeObject, object.Kind+" "+object.Name, object.String())
}

func (p *placer) vm(it marked, namespace, name string) {
	node := ""
	if vmi := p.snapshot.VMI(namespace, name); vmi != nil {
		node = vmi.Status.NodeName
	}
	p.add(it, node, shapeVM, namespace+"/"+name, "VM "+namespace+"/"+name)
}

func (p *placer) migration(it marked) {
	object := it.finding.Object
	for _, migration := range p.snapshot.Migrations() {
		if migration.Namespace == object.Namespace && migration.Name == object.Name {
			p.vm(it, object.Namespace, migration.Spec.VMIName)
			return
		}
	}
	p.object(it, "")
}

// volume marks what a finding about a volume names of it: its replicas, else its engines; all replicas where it names none.
func (p *placer) volume(it marked, name string) {
	words := map[string]bool{}
	for _, word := range strings.FieldsFunc(it.finding.Message, func(r rune) bool { return strings.ContainsRune(" ,;:()", r) }) {
		words[strings.TrimRight(word, ".")] = true
	}
	owner, placed := p.owner(name), false
	replicas := slices.SortedFunc(slices.Values(p.snapshot.ReplicasOf(name)), func(a, b *cluster.Replica) int { return cmp.Compare(a.Name, b.Name) })
	named := slices.DeleteFunc(slices.Clone(replicas), func(r *cluster.Replica) bool { return !words[r.Name] })
	if len(named) == 0 {
		for _, engine := range p.snapshot.EnginesOf(name) {
			if words[engine.Name] {
				p.add(it, cluster.Text(engine.Spec.NodeID), shapeEngine, "engine of "+owner, "engine "+engine.Name)
				placed = true
			}
		}
		if !placed {
			named = replicas
		}
	}
	for _, replica := range named {
		p.add(it, cluster.Text(replica.Spec.NodeID), shapeReplica, "replica of "+owner, "replica "+replica.Name)
		placed = true
	}
	if !placed {
		p.object(it, "")
	}
}

// owner names a volume for people: by its VM where there is one.
func (p *placer) owner(volume string) string {
	if v := p.snapshot.Volume(volume); v != nil {
		if vmis := p.snapshot.VMIsOf(v); len(vmis) > 0 {
			return vmis[0].Namespace + "/" + vmis[0].Name
		}
		if workloads := v.Status.KubernetesStatus; cluster.Text(workloads.PVCName) != "" {
			return workloads.Namespace + "/" + workloads.PVCName
		}
	}
	return volume
}

func (p *placer) engine(it marked, name string) {
	engine := p.snapshot.Engine(name)
	if engine == nil {
		p.object(it, "")
		return
	}
	owner := p.owner(cluster.VolumeOf(engine.Spec.VolumeName, engine.Labels))
	p.add(it, cluster.Text(engine.Spec.NodeID), shapeEngine, "engine of "+owner, "engine "+name)
}

func (p *placer) replica(it marked, name string) {
	if p.replicas == nil {
		p.replicas = map[string]*cluster.Replica{}
		for _, replica := range p.snapshot.Replicas() {
			p.replicas[replica.Name] = replica
		}
	}
	replica := p.replicas[name]
	if replica == nil {
		p.object(it, "")
		return
	}
	owner := p.owner(cluster.VolumeOf(replica.Spec.VolumeName, replica.Labels))
	p.add(it, cluster.Text(replica.Spec.NodeID), shapeReplica, "replica of "+owner, "replica "+name)
}

// nodeOf returns the node that any other object is on; empty where it is on none.
func (p *placer) nodeOf(object checks.Object) string {
	switch object.Kind {
	case "InstanceManager":
		if manager := p.snapshot.InstanceManager(object.Name); manager != nil {
			return cluster.Text(manager.Spec.NodeID)
		}
	case "Pod":
		if pod := p.snapshot.Pod(object.Namespace, object.Name); pod != nil {
			return pod.Spec.NodeName
		}
	case "Machine":
		for _, machine := range p.snapshot.Machines() {
			if ref := machine.Status.NodeRef; ref != nil && machine.Namespace == object.Namespace && machine.Name == object.Name {
				return ref.Name
			}
		}
	}
	return ""
}

func joined(names []string) string { return strings.Join(names, ", ") }

// InWords is the object with its own name, for the table beside the map.
func (s spot) InWords() string {
	if s.shape == shapeVM || s.shape == shapeObject {
		return s.Full
	}
	return fmt.Sprintf("%s (%s)", s.Label, strings.TrimPrefix(s.Full, strings.Fields(s.Full)[0]+" "))
}
