package pods

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	corev1 "k8s.io/api/core/v1"
)

// sandbox is a container's process in namespaces of its own.
type sandbox struct {
	command *exec.Cmd
	ended   chan struct{} // closed when the process has ended
}

// The process begins as this script, which waits until it has a network, builds the container's file system, and becomes
// the program without any privilege. Arguments: root, user, group, further groups, then mounts as SOURCE TARGET pairs up to
// "--", then the program and its arguments. chroot itself needs the three capabilities, and loses them with the user.
const enterScript = `set -eu
read ready
root=$1 user=$2 group=$3 groups=$4 readonly=$5 ; shift 5
mount -t tmpfs -o mode=755,size=1m tmpfs "$root"
while [ "$1" != -- ]; do
	if [ -d "$1" ]; then mkdir -p "$root/$2"; else mkdir -p "$(dirname "$root/$2")" && : >"$root/$2"; fi
	mount --bind "$1" "$root/$2" && mount -o "remount,bind,$3" "$root/$2"
	shift 3
done
shift
[ "$readonly" = true ] && mount -o remount,ro "$root"
exec setpriv --no-new-privs --inh-caps=-all --bounding-set=-all,+sys_chroot,+setuid,+setgid \
	chroot --userspec="$user:$group" --groups="$groups" "$root" "$@"
`

// start starts the container's process, in the pod's network.
func (p *pod) start(file *os.File) (*sandbox, error) {
	environment, err := environment(p.object, &p.container, p.address)
	if err != nil {
		return nil, err
	}
	arguments, err := p.enterArguments()
	if err != nil {
		return nil, err
	}
	box := &sandbox{ended: make(chan struct{})}
	box.command = exec.Command("/bin/sh", append([]string{"-c", enterScript, "enter"}, arguments...)...)
	box.command.Stdout, box.command.Stderr = file, file
	box.command.Env = environment
	box.command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Setpgid: true}
	ready, err := box.command.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("making the pipe of %s: %w", p.object.Name, err)
	}
	if err := box.command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", p.object.Name, err)
	}
	go func() {
		_ = box.command.Wait() // the state says how it ended
		close(box.ended)
	}()
	err = p.runner.options.Bridge.Connect(box.id(), p.address)
	if err == nil {
		_, err = io.WriteString(ready, "ready\n")
	}
	if err != nil {
		_ = box.signal(syscall.SIGKILL)
		<-box.ended
		return nil, fmt.Errorf("starting %s: %w", p.object.Name, err)
	}
	return box, ready.Close()
}

// enterArguments returns what the script is told.
func (p *pod) enterArguments() ([]string, error) {
	root := p.runner.path("root-" + p.object.Name)
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, fmt.Errorf("making the root folder of %s: %w", p.object.Name, err)
	}
	user, group := ids(p.object, &p.container)
	groups := group
	if context := p.object.Spec.SecurityContext; context != nil && context.FSGroup != nil {
		groups = fmt.Sprintf("%s,%d", group, *context.FSGroup)
	}
	readOnly := "false"
	if context := p.container.SecurityContext; context != nil && context.ReadOnlyRootFilesystem != nil && *context.ReadOnlyRootFilesystem {
		readOnly = "true"
	}
	arguments := []string{root, user, group, groups, readOnly, p.runner.options.Entrypoint, "/upgrade-gate", "ro"}
	for _, mount := range p.container.VolumeMounts {
		if mount.SubPath != "" || mount.SubPathExpr != "" {
			return nil, fmt.Errorf("volume %s is mounted by subPath, which is not done here", mount.Name)
		}
		mode := "rw"
		if mount.ReadOnly {
			mode = "ro"
		}
		arguments = append(arguments, p.volumes.folder(mount.Name), filepath.Clean(mount.MountPath), mode)
	}
	if p.volumes.hasToken() {
		arguments = append(arguments, p.volumes.folder(tokenVolume), tokenPath, "ro")
	}
	arguments = append(arguments, "--")
	program := p.container.Command
	if len(program) == 0 {
		program = []string{"/upgrade-gate"}
	}
	return append(append(arguments, program...), p.container.Args...), nil
}

// ids returns the user and the group of a container, 65532 as the image has them where the pod says nothing.
func ids(object *corev1.Pod, container *corev1.Container) (user, group string) {
	user, group = "65532", "65532"
	if context := object.Spec.SecurityContext; context != nil {
		user, group = number(context.RunAsUser, user), number(context.RunAsGroup, group)
	}
	if context := container.SecurityContext; context != nil {
		user, group = number(context.RunAsUser, user), number(context.RunAsGroup, group)
	}
	return user, group
}

func number(given *int64, otherwise string) string {
	if given == nil {
		return otherwise
	}
	return fmt.Sprint(*given)
}

func (s *sandbox) id() int { return s.command.Process.Pid }

func (s *sandbox) signal(signal os.Signal) error { return s.command.Process.Signal(signal) }

// state returns how the process ended. It is called after its end.
func (s *sandbox) state() *os.ProcessState { return s.command.ProcessState }

// environment returns the variables of a container, as NAME=value.
func environment(object *corev1.Pod, container *corev1.Container, address string) ([]string, error) {
	variables := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "KUBERNETES_SERVICE_HOST=" + apiServerHost, "KUBERNETES_SERVICE_PORT=443"}
	for _, variable := range container.Env {
		value, err := valueOf(object, container, address, variable)
		if err != nil {
			return nil, fmt.Errorf("environment variable %s: %w", variable.Name, err)
		}
		variables = append(variables, variable.Name+"="+value)
	}
	return variables, nil
}

func valueOf(object *corev1.Pod, container *corev1.Container, address string, variable corev1.EnvVar) (string, error) {
	switch source := variable.ValueFrom; {
	case source == nil:
		if strings.Contains(variable.Value, "$(") {
			return "", fmt.Errorf("%q refers to another variable, which is not done here", variable.Value)
		}
		return variable.Value, nil
	case source.FieldRef != nil:
		fields := map[string]string{
			"metadata.namespace": object.Namespace, "metadata.name": object.Name, "metadata.uid": string(object.UID),
			"spec.nodeName": object.Spec.NodeName, "spec.serviceAccountName": object.Spec.ServiceAccountName, "status.podIP": address,
		}
		value, ok := fields[source.FieldRef.FieldPath]
		if !ok {
			return "", fmt.Errorf("the field %s is not known here", source.FieldRef.FieldPath)
		}
		return value, nil
	case source.ResourceFieldRef != nil && source.ResourceFieldRef.Resource == "limits.memory":
		return fmt.Sprint(container.Resources.Limits.Memory().Value()), nil
	}
	return "", fmt.Errorf("its source is not known here")
}
