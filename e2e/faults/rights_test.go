package faults_test

import (
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/e2e/traffic"
)

// rightsRemoved takes away all that the gate may read, ends the watches that it has, and gives the rights back.
func rightsRemoved() fault {
	return fault{
		name: "RBAC removed and given back",
		strike: func(t *testing.T, s *scene, calls *traffic.Traffic) {
			account, err := s.cluster.Identity(t.Context())
			must(t, err)
			rules := s.grant(t, account.ClusterRole, nil)
			s.road.Cut() // the API server lets a watch go on that has begun
			calls.AwaitSteady(t, closed, traffic.Undecided)
			s.grant(t, account.ClusterRole, rules)
		},
		excuses: []string{
			partly, `not allowed to list them, which ClusterRole upgrade-gate-reader should allow`, `could not be read: .*(EOF|connection reset by peer)`,
			`could not be read: listing failed: read the list of `, // a live read was under way when its connection was cut
		},
	}
}

// grant changes the rules of a ClusterRole and returns those of before.
func (s *scene) grant(t *testing.T, name string, rules []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	t.Helper()
	role, err := s.admin.RbacV1().ClusterRoles().Get(t.Context(), name, metav1.GetOptions{})
	must(t, err)
	before := role.Rules
	role.Rules = rules
	_, err = s.admin.RbacV1().ClusterRoles().Update(t.Context(), role, metav1.UpdateOptions{})
	must(t, err)
	return before
}
