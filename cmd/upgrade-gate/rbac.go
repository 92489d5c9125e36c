package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/validate/content"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

// rbacOptions are the flags of upgrade-gate rbac.
type rbacOptions struct {
	name    string
	user    string
	group   string
	secrets bool
}

func newRBACCommand() *cobra.Command {
	var options rbacOptions
	command := &cobra.Command{
		Use:   "rbac",
		Short: "Prints the rights that check, plan and collect need",
		Long: `Prints the ClusterRole with which check, plan and collect read everything, as a manifest: to list what the checks read, and to ask the
kubelets for their statistics and configuration. Nothing in it writes, and Secrets are not in it. --user or --group bind it to somebody.

A kubelet that does not know an account, such as one of Rancher's, is asked through the API server, which takes the right to get
nodes/proxy. It is not in the ClusterRole, for it allows far more than that: cluster administrators have it.`,
		Example: `  # What an account needs
  upgrade-gate rbac

  # Give it to the user anna
  upgrade-gate rbac --user anna | kubectl apply -f -

  # With what check --read-secrets needs on top
  upgrade-gate rbac --read-secrets`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return options.run(cmd.OutOrStdout()) },
	}
	flags := command.Flags()
	flags.StringVar(&options.name, "name", readerName, "`NAME` of the ClusterRole, and the beginning of that of what binds it")
	flags.StringVar(&options.user, "user", "", "also bind it to this `USER`")
	flags.StringVar(&options.group, "group", "", "also bind it to this `GROUP`")
	flags.BoolVar(&options.secrets, "read-secrets", false, "add the Roles that --read-secrets of check needs; see docs/secrets.md")
	for _, flag := range []string{"name", "user", "group"} {
		complete(command, flag)
	}
	return command
}

// readerName is what the ClusterRole is called: not what the webhook's own is, whose binding must not be replaced.
const readerName = "upgrade-gate-check"

func (o rbacOptions) run(out io.Writer) error {
	if len(validation.IsDNS1123Subdomain(o.name)) > 0 {
		return fmt.Errorf("--name %q is no name of an object", o.name)
	}
	for _, who := range o.subjects() {
		if len(content.IsPathSegmentName(who.Name)) > 0 {
			return fmt.Errorf("%q cannot be bound: the name of a binding may hold no / and no %%", who.Name)
		}
	}
	objects := []any{&rbacv1.ClusterRole{TypeMeta: rbacType("ClusterRole"), ObjectMeta: metav1.ObjectMeta{Name: o.name}, Rules: cluster.PolicyRules()}}
	for _, who := range o.subjects() {
		objects = append(objects, &rbacv1.ClusterRoleBinding{
			TypeMeta: rbacType("ClusterRoleBinding"), ObjectMeta: metav1.ObjectMeta{Name: bindingName(o.name, who)},
			Subjects: []rbacv1.Subject{who}, RoleRef: roleRef("ClusterRole", o.name),
		})
	}
	if o.secrets {
		objects = append(objects, o.granted()...)
	}
	for i, object := range objects {
		text, err := yaml.Marshal(object)
		if err != nil {
			return fmt.Errorf("write the rights: %w", err)
		}
		if i > 0 {
			text = append([]byte("---\n"), text...)
		}
		if _, err := out.Write(text); err != nil {
			return fmt.Errorf("write the rights: %w", err)
		}
	}
	return nil
}

// bindingName gives each subject a binding of its own, so that one who is added takes the right from nobody.
func bindingName(role string, who rbacv1.Subject) string { return role + ":" + who.Name }

// granted returns the Roles of the kinds that the operator has to grant, and what binds them.
func (o rbacOptions) granted() []any {
	name := o.name + "-secrets"
	var objects []any
	for _, role := range cluster.GrantedRoles() {
		objects = append(objects, &rbacv1.Role{TypeMeta: rbacType("Role"), ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: role.Namespace}, Rules: role.Rules})
		for _, who := range o.subjects() {
			objects = append(objects, &rbacv1.RoleBinding{
				TypeMeta: rbacType("RoleBinding"), ObjectMeta: metav1.ObjectMeta{Name: bindingName(name, who), Namespace: role.Namespace},
				Subjects: []rbacv1.Subject{who}, RoleRef: roleRef("Role", name),
			})
		}
	}
	return objects
}

func (o rbacOptions) subjects() []rbacv1.Subject {
	var subjects []rbacv1.Subject
	if o.user != "" {
		subjects = append(subjects, rbacv1.Subject{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: o.user})
	}
	if o.group != "" {
		subjects = append(subjects, rbacv1.Subject{Kind: rbacv1.GroupKind, APIGroup: rbacv1.GroupName, Name: o.group})
	}
	return subjects
}

func rbacType(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: kind}
}

func roleRef(kind, name string) rbacv1.RoleRef {
	return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: name}
}
