package drain

import (
	"slices"
	"sync"
	"time"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// maxPlans is how many targets' plans are kept: those asked for last. Anybody who may create an Upgrade may name any version.
const maxPlans = 8

// Plans keep the plan for each of the targets that were asked for last, until something changes that the simulation looks at, or the time
// changes what it says. Of those who ask at once for the same, one simulates and the others wait. It is safe for use by several goroutines; a
// nil Plans keeps nothing.
type Plans struct {
	mu sync.Mutex
	// of is the last Snapshot that was asked about. All plans are of Snapshots that are the same to the simulation, so that what has been
	// replaced since, by its equal or by something else, is not held.
	of *cluster.Snapshot
	// kept are ordered by when they were last asked for, the latest last.
	kept []*kept
}

// kept is the plan for one target.
type kept struct {
	target string
	// mu is held while the plan is looked at or made.
	mu   sync.Mutex
	made bool
	plan Plan
	// since is the time for which the plan was made.
	since time.Time
}

// NewPlans returns Plans that keep nothing yet.
func NewPlans() *Plans { return &Plans{} }

// Of returns what Simulate returns. The plan is shared, and nobody may change it.
func (p *Plans) Of(s *cluster.Snapshot, target string) Plan {
	if p == nil || !s.Kept() {
		return Simulate(s, target)
	}
	k := p.keptFor(s, target)
	k.mu.Lock()
	defer k.mu.Unlock()
	now := s.Now()
	if k.made && !now.Before(k.since) && (k.plan.Until.IsZero() || now.Before(k.plan.Until)) {
		return k.plan
	}
	k.made = false // should the simulation panic
	k.plan, k.since = Simulate(s, target), now
	k.made = true
	return k.plan
}

// keptFor returns the place of a target's plan among those of Snapshots that are the same as this one.
func (p *Plans) keptFor(s *cluster.Snapshot, target string) *kept {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil || !s.SameIn(p.of, Reads()) {
		p.kept = nil
	}
	p.of = s
	at := slices.IndexFunc(p.kept, func(k *kept) bool { return k.target == target })
	k := &kept{target: target}
	if at >= 0 {
		k = p.kept[at]
		p.kept = slices.Delete(p.kept, at, at+1)
	} else if len(p.kept) == maxPlans {
		p.kept = slices.Delete(p.kept, 0, 1)
	}
	p.kept = append(p.kept, k)
	return k
}
