package cluster

import (
	"cmp"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// PolicyRules returns the rights that reading a cluster needs, and no others: list and, unless it is polled, watch on every kind of
// the table of Resources, never on one that the operator has to grant, and get on the two subresources of nodes that kubelets ask
// for. One rule per API group and verbs, in the order of the groups.
func PolicyRules() []rbacv1.PolicyRule {
	type right struct {
		group string
		watch bool
	}
	plurals := map[right][]string{}
	for _, r := range Resources() {
		key := right{r.GVK.Group, !r.Poll}
		plurals[key] = append(plurals[key], r.Plural)
	}
	var rules []rbacv1.PolicyRule
	for key, resources := range plurals {
		verbs := []string{"list"}
		if key.watch {
			verbs = append(verbs, "watch")
		}
		slices.Sort(resources)
		rules = append(rules, rbacv1.PolicyRule{APIGroups: []string{key.group}, Resources: slices.Compact(resources), Verbs: verbs})
	}
	slices.SortFunc(rules, func(a, b rbacv1.PolicyRule) int {
		return cmp.Or(strings.Compare(a.APIGroups[0], b.APIGroups[0]), len(b.Verbs)-len(a.Verbs))
	})
	return append(rules, rbacv1.PolicyRule{
		APIGroups: []string{""}, Resources: []string{string(KubeletConfig), string(KubeletStats)}, Verbs: []string{"get"},
	})
}

// GrantedRole is what a Role allows in one namespace.
type GrantedRole struct {
	Name, Namespace string
	Rules           []rbacv1.PolicyRule
}

// GrantedRoles returns the rights that the kinds of GrantedResources need on top: to list, in each of their places. They are
// sorted by namespace.
func GrantedRoles() []GrantedRole {
	var roles []GrantedRole
	for _, r := range GrantedResources() {
		for _, place := range r.Grant.Places {
			roles = append(roles, GrantedRole{Name: r.Grant.Role, Namespace: place.Namespace, Rules: []rbacv1.PolicyRule{
				{APIGroups: []string{r.GVK.Group}, Resources: []string{r.Plural}, Verbs: []string{"list"}},
			}})
		}
	}
	slices.SortFunc(roles, func(a, b GrantedRole) int { return strings.Compare(a.Namespace, b.Namespace) })
	return roles
}
