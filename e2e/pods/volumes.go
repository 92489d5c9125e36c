package pods

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/e2e/network"
)

const (
	apiServerHost = network.APIServerAddress
	hostIP        = network.NodeAddress
	// tokenPath is where pods find the token of their service account.
	tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount"
	// tokenVolume is the name of the volume for it, which the API server's admission would add.
	tokenVolume = "kube-api-access"
	// tokenSeconds is the life of a token, as a kubelet asks for it.
	tokenSeconds = int64(3607)
	// look is how often a volume that cannot be mounted is tried again.
	look = 100 * time.Millisecond
)

// volumes are a pod's volumes, each a folder.
type volumes struct {
	runner *Runner
	object *corev1.Pod

	mu      sync.Mutex
	mounted bool
	number  int // of the last generation of a projected volume
	written map[string]map[string]string
}

func newVolumes(runner *Runner, object *corev1.Pod) *volumes {
	return &volumes{runner: runner, object: object, written: map[string]map[string]string{}}
}

// folder returns the path of a volume.
func (v *volumes) folder(name string) string { return v.runner.path("volumes", v.object.Name, name) }

// hasToken tells whether the pod wants the token of its service account.
func (v *volumes) hasToken() bool {
	automount := v.object.Spec.AutomountServiceAccountToken
	return automount == nil || *automount
}

// mount makes all volumes, and waits for the ConfigMaps and Secrets that are not there yet, until ctx ends.
func (v *volumes) mount(ctx context.Context) error {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		err := v.all(ctx)
		if err == nil || !errors.Is(err, errMissing) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-ticker.C:
		}
	}
}

// errMissing is that something is not there yet that a pod waits for.
var errMissing = errors.New("not there yet")

func (v *volumes) all(ctx context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, volume := range v.object.Spec.Volumes {
		if err := v.one(volume); err != nil {
			return fmt.Errorf("volume %s: %w", volume.Name, err)
		}
	}
	if v.hasToken() && v.written[tokenVolume] == nil {
		files, err := v.token(ctx)
		if err != nil {
			return fmt.Errorf("token of the service account: %w", err)
		}
		if err := v.write(tokenVolume, files, 0o644); err != nil {
			return err
		}
	}
	v.mounted = true
	return nil
}

// refresh writes the volumes anew whose ConfigMap or Secret has changed. What has been deleted stays as it was.
func (v *volumes) refresh() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.mounted {
		return // mount looks by itself
	}
	for _, volume := range v.object.Spec.Volumes {
		_ = v.one(volume) // as with a kubelet, the old content stays
	}
}

// one makes one volume.
func (v *volumes) one(volume corev1.Volume) error {
	files := map[string]string{}
	mode := os.FileMode(corev1.ConfigMapVolumeSourceDefaultMode)
	switch {
	case volume.ConfigMap != nil:
		object, err := v.runner.configMaps.Get(volume.ConfigMap.Name)
		if err != nil {
			return missing(err, volume.ConfigMap.Optional)
		}
		maps.Copy(files, object.Data)
		mode = modeOf(volume.ConfigMap.DefaultMode, mode)
	case volume.Secret != nil:
		object, err := v.runner.secrets.Get(volume.Secret.SecretName)
		if err != nil {
			return missing(err, volume.Secret.Optional)
		}
		for name, value := range object.Data {
			files[name] = string(value)
		}
		mode = modeOf(volume.Secret.DefaultMode, mode)
	case volume.EmptyDir != nil:
		return os.MkdirAll(v.folder(volume.Name), 0o777)
	default:
		return errors.New("of a kind that is not made here")
	}
	return v.write(volume.Name, files, mode)
}

// missing tells what becomes of a volume whose object cannot be had.
func missing(err error, optional *bool) error {
	if apierrors.IsNotFound(err) && optional != nil && *optional {
		return nil
	}
	return fmt.Errorf("%w: %w", errMissing, err)
}

func modeOf(given *int32, otherwise os.FileMode) os.FileMode {
	if given == nil {
		return otherwise
	}
	return os.FileMode(*given)
}

// write writes files as a kubelet does: a new folder for this generation, to which the link ..data is moved in one step,
// and a link for each file through ..data. What has not changed is not written.
func (v *volumes) write(name string, files map[string]string, mode os.FileMode) error {
	if before := v.written[name]; before != nil && maps.Equal(before, files) {
		return nil
	}
	folder := v.folder(name)
	v.number++
	generation := "..generation-" + strconv.Itoa(v.number)
	if err := os.MkdirAll(filepath.Join(folder, generation), 0o755); err != nil {
		return err
	}
	group := -1
	if context := v.object.Spec.SecurityContext; context != nil && context.FSGroup != nil {
		group = int(*context.FSGroup)
	}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(folder, generation, file)
		err := errors.Join(os.WriteFile(path, []byte(files[file]), 0o600), os.Chown(path, -1, group), os.Chmod(path, mode))
		if err != nil {
			return err
		}
	}
	before, _ := os.Readlink(filepath.Join(folder, "..data"))
	if err := relink(generation, filepath.Join(folder, "..data")); err != nil {
		return err
	}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if err := relink(filepath.Join("..data", file), filepath.Join(folder, file)); err != nil {
			return err
		}
	}
	v.written[name] = files
	if before == "" {
		return nil
	}
	return os.RemoveAll(filepath.Join(folder, before))
}

// relink makes a link, or moves the one that is there, in one step.
func relink(target, link string) error {
	if err := os.Symlink(target, link+".new"); err != nil {
		return err
	}
	return os.Rename(link+".new", link)
}

// token asks for a token that is bound to the pod, and returns the three files of the volume.
func (v *volumes) token(ctx context.Context) (map[string]string, error) {
	authority, err := v.runner.configMaps.Get("kube-root-ca.crt")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errMissing, err)
	}
	account := v.object.Spec.ServiceAccountName
	if account == "" {
		account = "default"
	}
	seconds := tokenSeconds
	request, err := v.runner.client.CoreV1().ServiceAccounts(v.object.Namespace).CreateToken(ctx, account, &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{
			ExpirationSeconds: &seconds,
			BoundObjectRef:    &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: v.object.Name, UID: v.object.UID},
		},
	}, metav1.CreateOptions{})
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("%w: %w", errMissing, err)
	}
	if err != nil {
		return nil, err
	}
	return map[string]string{"token": request.Status.Token, "ca.crt": authority.Data["ca.crt"], "namespace": v.object.Namespace}, nil
}
