package cluster

import (
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// PolicyRules returns the rights that reading a cluster needs, and no others: list and watch on every kind of the table of
// Resources, never on one that the operator has to grant,
// and get on the two subresources of nodes that kubelets ask for. One rule per API group, in the order of the groups.
func PolicyRules() []rbacv1.PolicyRule {
	plurals := map[string][]string{}
	for _, r := range Resources() {
		plurals[r.GVK.Group] = append(plurals[r.GVK.Group], r.Plural)
	}
	var rules []rbacv1.PolicyRule
	for group, resources := range plurals {
		slices.Sort(resources)
		rules = append(rules, rbacv1.PolicyRule{
			APIGroups: []string{group}, Resources: slices.Compact(resources), Verbs: []string{"list", "watch"},
		})
	}
	slices.SortFunc(rules, func(a, b rbacv1.PolicyRule) int { return strings.Compare(a.APIGroups[0], b.APIGroups[0]) })
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
