package gate

import (
	"sync"
	"time"

	"github.com/upgrade-gate/upgrade-gate/checks"
)

// Memory knows since when each transient finding has been seen without a break. It is safe for use by several goroutines;
// a nil Memory remembers nothing.
type Memory struct {
	mu   sync.Mutex
	seen map[string]time.Time
}

// NewMemory returns an empty Memory.
func NewMemory() *Memory { return &Memory{seen: map[string]time.Time{}} }

// Date notes the transient findings in results as seen at now, forgets those that a check no longer finds, and fills in
// Since where the object itself does not say when its state began. What an Unknown check found before is kept: it may still
// be there.
func (m *Memory) Date(results []checks.Result, now time.Time) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	next := make(map[string]time.Time, len(m.seen))
	for i := range results {
		if results[i].Outcome == checks.Unknown {
			m.keep(results[i].Check.Name, next)
		}
		for j := range results[i].Findings {
			m.date(results[i].Check.Name, &results[i].Findings[j], now, next)
		}
	}
	m.seen = next
}

func (m *Memory) date(check string, f *checks.Finding, now time.Time, next map[string]time.Time) {
	if !f.Transient {
		return
	}
	key := check + "|" + f.Key()
	first, known := m.seen[key]
	if !known {
		first = now
	}
	next[key] = first
	if f.Since.IsZero() {
		f.Since = first
	}
}

func (m *Memory) keep(check string, next map[string]time.Time) {
	prefix := check + "|"
	for key, first := range m.seen {
		if len(key) > len(prefix) && key[:len(prefix)] == prefix {
			next[key] = first
		}
	}
}
