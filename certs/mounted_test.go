package certs

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestACertificateThatNobodyRenewsIsWarnedOfTwice(t *testing.T) {
	issued := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	const life = 90 * 24 * time.Hour
	issuer := newAuthority(t, issued, 10*life)
	first, second := issuer.leaf(issued, life).Leaf, issuer.leaf(issued.Add(life), life).Leaf
	core, logs := observer.New(zap.InfoLevel)
	opts := selfManagedOptions()
	now := issued
	opts.now = func() time.Time { return now }
	provider := newMounted(opts, nil, zap.New(core))
	const (
		overdue = "cert-manager has not renewed the serving certificate; upgrades are refused when it has ended"
		ended   = "the serving certificate has ended; upgrades are refused until cert-manager renews it"
	)
	for _, step := range []struct {
		name string
		at   time.Duration
		want []string
	}{
		{"a fresh one", time.Hour, nil},
		{"cert-manager renews it now", 60 * 24 * time.Hour, nil},
		{"in the last quarter of its life", 68 * 24 * time.Hour, []string{overdue}},
		{"a day later", 69 * 24 * time.Hour, nil},
		{"ended", life + time.Second, []string{ended}},
		{"a day after its end", life + 24*time.Hour, nil},
	} {
		now = issued.Add(step.at)
		provider.warn(first)
		if diff := cmp.Diff(step.want, messages(logs)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
	now = issued.Add(life + 24*time.Hour)
	provider.warn(second)
	now = issued.Add(2*life - time.Hour)
	provider.warn(second)
	if diff := cmp.Diff([]string{overdue}, messages(logs)); diff != "" {
		t.Errorf("the next one (-want +got):\n%s", diff)
	}
}

// messages takes what has been logged.
func messages(logs *observer.ObservedLogs) []string {
	var messages []string
	for _, entry := range logs.TakeAll() {
		messages = append(messages, entry.Message)
	}
	return messages
}
