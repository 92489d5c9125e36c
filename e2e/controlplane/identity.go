package controlplane

import (
	"context"
	"fmt"
	"os"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// Identity is somebody who can talk to the API server.
type Identity struct {
	// Username as the API server sees it.
	Username string
	// Config is a rest config without a client-side rate limit.
	Config *rest.Config
	// Kubeconfig is the path of a kubeconfig file.
	Kubeconfig string
	// ClusterRole is the name of the role that holds the rules given at creation. A test takes one right
	// away by changing it. Empty when no rules were given.
	ClusterRole string
}

// Rights say what an identity may do: rules of its own, and existing ClusterRoles to bind.
type Rights struct {
	Rules        []rbacv1.PolicyRule
	ClusterRoles []string
}

// tokenSeconds is the life of a service account's token: longer than any test run.
const tokenSeconds = int64(24 * 60 * 60)

// AddUser makes a user who shows a client certificate.
func (p *ControlPlane) AddUser(ctx context.Context, name string, groups []string, rights Rights) (*Identity, error) {
	user, err := p.environment.AddUser(envtest.User{Name: name, Groups: groups}, &rest.Config{QPS: -1})
	if err != nil {
		return nil, fmt.Errorf("adding the user %s: %w", name, err)
	}
	subject := rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}
	return p.identify(ctx, name, subject, user.Config(), rights)
}

// AddServiceAccount makes a service account, and its namespace when it does not exist, and gets a token
// for it, as a pod would have.
func (p *ControlPlane) AddServiceAccount(ctx context.Context, namespace, name string, rights Rights) (*Identity, error) {
	client, err := kubernetes.NewForConfig(p.Config)
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	_, err = client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return nil, fmt.Errorf("creating the namespace %s: %w", namespace, err)
	}
	accounts := client.CoreV1().ServiceAccounts(namespace)
	_, err = accounts.Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return nil, fmt.Errorf("creating the service account %s/%s: %w", namespace, name, err)
	}
	seconds := tokenSeconds
	token, err := accounts.CreateToken(ctx, name, &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds},
	}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("getting a token for %s/%s: %w", namespace, name, err)
	}
	config := rest.AnonymousClientConfig(p.Config)
	config.QPS, config.BearerToken = -1, token.Status.Token
	subject := rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: name}
	return p.identify(ctx, "system:serviceaccount:"+namespace+":"+name, subject, config, rights)
}

// Through returns the same identity with another way to the API server, such as a forwarder's address,
// host:port, that can cut its watches. The API server's certificate is valid for 127.0.0.1.
func (p *ControlPlane) Through(identity *Identity, address string) (*Identity, error) {
	through := *identity
	through.Config = rest.CopyConfig(identity.Config)
	through.Config.Host = "https://" + address
	var err error
	through.Kubeconfig, err = p.writeKubeconfig(through.Username, through.Config)
	if err != nil {
		return nil, err
	}
	return &through, nil
}

// Address returns host:port of the API server.
func (p *ControlPlane) Address() string {
	return p.environment.ControlPlane.APIServer.SecureServing.HostPort()
}

// Admin returns the identity that Config and Kubeconfig are of.
func (p *ControlPlane) Admin() *Identity {
	return &Identity{Username: "admin", Config: p.Config, Kubeconfig: p.Kubeconfig}
}

// identify gives the subject its rights and writes its kubeconfig.
func (p *ControlPlane) identify(ctx context.Context, username string, subject rbacv1.Subject, config *rest.Config, rights Rights) (*Identity, error) {
	identity := &Identity{Username: username, Config: config}
	client, err := kubernetes.NewForConfig(p.Config)
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	roles := rights.ClusterRoles
	if len(rights.Rules) > 0 {
		created, err := client.RbacV1().ClusterRoles().Create(ctx, &rbacv1.ClusterRole{
			ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-" + subject.Name + "-"},
			Rules:      rights.Rules,
		}, metav1.CreateOptions{})
		if err != nil {
			return nil, fmt.Errorf("creating the role of %s: %w", username, err)
		}
		identity.ClusterRole = created.Name
		roles = append([]string{created.Name}, roles...)
	}
	for _, role := range roles {
		_, err := client.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-" + subject.Name + "-"},
			Subjects:   []rbacv1.Subject{subject},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		}, metav1.CreateOptions{})
		if err != nil {
			return nil, fmt.Errorf("binding the role %s to %s: %w", role, username, err)
		}
	}
	identity.Kubeconfig, err = p.writeKubeconfig(username, config)
	return identity, err
}

// writeKubeconfig writes a kubeconfig file for config and returns its path.
func (p *ControlPlane) writeKubeconfig(user string, config *rest.Config) (string, error) {
	file := clientcmdapi.NewConfig()
	file.Clusters["e2e"] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData}
	file.AuthInfos[user] = &clientcmdapi.AuthInfo{
		ClientCertificateData: config.CertData,
		ClientKeyData:         config.KeyData,
		Token:                 config.BearerToken,
	}
	file.Contexts["e2e"] = &clientcmdapi.Context{Cluster: "e2e", AuthInfo: user}
	file.CurrentContext = "e2e"
	out, err := os.CreateTemp(p.path("users"), "*.kubeconfig")
	if err != nil {
		return "", fmt.Errorf("writing the kubeconfig of %s: %w", user, err)
	}
	if err := out.Close(); err != nil {
		return "", fmt.Errorf("writing the kubeconfig of %s: %w", user, err)
	}
	if err := clientcmd.WriteToFile(*file, out.Name()); err != nil {
		return "", fmt.Errorf("writing the kubeconfig of %s: %w", user, err)
	}
	return out.Name(), nil
}
