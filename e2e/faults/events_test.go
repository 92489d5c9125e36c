package faults_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/upgrade-gate/upgrade-gate/e2e/gate/gatetest"
	"github.com/upgrade-gate/upgrade-gate/e2e/traffic"
)

const (
	// churned is how many changes of objects the watches bring, refused how many refusals are no dry runs and would each leave an
	// event, and unwritten how many there are after the API server has begun to forbid events.
	churned, refused, unwritten = 2000, 400, 40
	// eventsAtOnce is what two replicas may write of them at once. Each may write one a second afterwards.
	eventsAtOnce = 2 * 100
	// settling bounds the wait until the events that a replica has in hand are written: each may be tried three times, five seconds each.
	settling = 60 * time.Second
)

// eventStorm changes thousands of objects that the gate watches, while it refuses in earnest again and again; and then lets the API
// server forbid the events.
func eventStorm() fault {
	return fault{name: "event storm", strike: func(t *testing.T, s *scene, calls *traffic.Traffic) {
		began, before := time.Now(), s.ledger(t)
		var storm sync.WaitGroup
		storm.Go(func() { check(t, s.churn(t.Context())) })
		if s.example == stuck {
			calls.Earnest(t.Context(), refused)
		}
		storm.Wait()
		if s.example == healthy {
			return // in earnest an upgrade would begin, and be in the way of the next
		}
		written, most := s.events(t), eventsAtOnce+2*int(time.Since(began)/time.Second+1)
		t.Logf("%d events of %d refusals", written, refused)
		if written == 0 || written > most {
			t.Errorf("%d events were written of %d refusals, want some, and at most %d", written, refused, most)
		}
		before = s.balance(t, before, refused)
		rules := s.forbidEvents(t, nil)
		calls.Earnest(t.Context(), unwritten)
		s.balance(t, before, unwritten)
		s.forbidEvents(t, rules)
	}}
}

// ledger is what has become so far of what both replicas were asked in earnest: what they have decided, as their logs say, the events of
// it that the API server has, and those that their metrics count as dropped.
type ledger struct{ decided, written, dropped int }

func (s *scene) ledger(t *testing.T) ledger {
	t.Helper()
	l, err := s.readLedger(t.Context())
	must(t, err)
	return l
}

func (s *scene) readLedger(ctx context.Context) (ledger, error) {
	var l ledger
	for _, replica := range s.service.Replicas {
		decisions, err := replica.Decisions()
		if err != nil {
			return ledger{}, err
		}
		for _, decision := range decisions {
			if decision.Text("dryRun") == "false" {
				l.decided++
			}
		}
		dropped, err := replica.Metric(ctx, "upgrade_gate_events_dropped_total")
		if err != nil {
			return ledger{}, err
		}
		l.dropped += int(dropped)
	}
	list, err := s.admin.EventsV1().Events(corev1.NamespaceAll).List(ctx, metav1.ListOptions{FieldSelector: "reportingController=upgradegate.io/upgrade-gate"})
	if err != nil {
		return ledger{}, err
	}
	l.written = len(list.Items)
	return l, nil
}

// balance waits until every decision since before has an event or is counted as one that was dropped, and looks whether there were as many
// decisions as calls, and whether some were dropped. It returns what there is afterwards.
func (s *scene) balance(t *testing.T, before ledger, calls int) ledger {
	t.Helper()
	var after ledger
	gatetest.Await(t, settling, func(ctx context.Context) (err error) {
		if after, err = s.readLedger(ctx); err != nil {
			return err
		}
		if decided, told := after.decided-before.decided, after.written-before.written+after.dropped-before.dropped; told != decided {
			return fmt.Errorf("of %d decisions in earnest %d are accounted for: %+v, then %+v", decided, told, before, after)
		}
		return nil
	})
	if decided := after.decided - before.decided; decided < calls {
		t.Errorf("%d decisions on %d calls are in the logs", decided, calls)
	}
	if after.dropped == before.dropped {
		t.Errorf("no event of %d calls is counted as dropped: %+v, then %+v", calls, before, after)
	}
	t.Logf("of %d calls: %+v, then %+v", calls, before, after)
	return after
}

// churn changes pods, one label each time.
func (s *scene) churn(ctx context.Context) error {
	pods, err := s.admin.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	const workers = 8
	failed := make(chan error, workers)
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			for n := worker; n < churned; n += workers {
				pod := pods.Items[n%len(pods.Items)]
				patch := fmt.Appendf(nil, `{"metadata":{"labels":{"churned":"%d"}}}`, n)
				if _, err := s.admin.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	all.Wait()
	close(failed)
	return <-failed
}

// events returns how many events there are of the gate's refusals.
func (s *scene) events(t *testing.T) int {
	t.Helper()
	list, err := s.admin.EventsV1().Events(corev1.NamespaceAll).List(t.Context(), metav1.ListOptions{})
	must(t, err)
	n := 0
	for _, event := range list.Items {
		if event.Reason == "UpgradeRejected" {
			n++
		}
	}
	return n
}

// forbidEvents changes the rules of the Role by which the gate writes events, and returns those of before.
func (s *scene) forbidEvents(t *testing.T, rules []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	t.Helper()
	roles := s.admin.RbacV1().Roles("harvester-system")
	role, err := roles.Get(t.Context(), "upgrade-gate-events", metav1.GetOptions{})
	must(t, err)
	before := role.Rules
	role.Rules = rules
	_, err = roles.Update(t.Context(), role, metav1.UpdateOptions{})
	must(t, err)
	return before
}
