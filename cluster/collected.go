package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// Collected is evidence that a Collection has written to files. It says, word for word, what its source said when it was collected.
type Collected struct {
	folder   *Folder
	manifest manifest
	evidence map[Kind]Evidence
}

// collectedIn returns the directory in which files of a Collection are, "." for the files themselves; false where there are none.
func collectedIn(files fs.FS) (string, bool) {
	if isThere(files, ".", collectedFile, false) {
		return ".", true
	}
	entries, err := fs.ReadDir(files, ".")
	if err != nil || len(entries) != 1 || !entries[0].IsDir() || !isThere(files, entries[0].Name(), collectedFile, false) {
		return "", false
	}
	return entries[0].Name(), true
}

// ReadCollected reads the files that a Collection has written. name is what messages call the whole. Its error is one line that
// names the file which is at fault: missing, cut short, or changed since.
func ReadCollected(files fs.FS, name string) (*Collected, error) {
	c := &Collected{evidence: map[Kind]Evidence{}}
	if err := c.readManifest(files); err != nil {
		return nil, fmt.Errorf("read %s: %s: %w", name, collectedFile, err)
	}
	folder, _, err := readFolder(files, name, FolderOptions{})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	c.folder = folder
	for _, row := range c.manifest.Evidence {
		if err := c.take(row); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
	}
	if err := c.complete(); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return c, nil
}

func (c *Collected) readManifest(files fs.FS) error {
	content, err := readBounded(files, collectedFile)
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(content, &c.manifest); err != nil {
		return fmt.Errorf("%s", firstLine([]byte(err.Error())))
	}
	switch {
	case c.manifest.APIVersion != collectedVersion || c.manifest.Kind != collectedKind:
		return fmt.Errorf("it is %q %q, and not %q %q", c.manifest.APIVersion, c.manifest.Kind, collectedVersion, collectedKind)
	case c.manifest.CollectedAt.IsZero():
		return errors.New("the field collectedAt is missing")
	}
	return nil
}

// readBounded reads a file, but not one that is larger than a file may be.
func readBounded(files fs.FS, file string) ([]byte, error) {
	info, err := fs.Stat(files, file)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFileSize {
		return nil, fmt.Errorf("%d MiB is more than the limit of %d MiB for one file", info.Size()>>20, maxFileSize>>20)
	}
	return fs.ReadFile(files, file)
}

// take checks the evidence of one kind against the files. A kind that this program does not know, or does not list, concerns nobody.
func (c *Collected) take(row collectedKindRow) error {
	switch row.State {
	case Read, Partial, NotInstalled, NotGranted, Unread:
	default:
		return fmt.Errorf("%s: the state of %s is %q, which is none", collectedFile, row.Kind, row.State)
	}
	resource, listed := Lookup(row.Kind)
	if !listed {
		return nil
	}
	e := Evidence{Kind: row.Kind, State: row.State, Because: row.Because, Missing: row.Missing, ResourceVersion: row.ResourceVersion, Count: row.Count}
	if row.ReadAt != nil {
		e.ReadAt = *row.ReadAt
	}
	if found := len(c.folder.objects[resource.Kind]); e.held() && (found != row.Count || !c.folder.declared[resource.Kind]) {
		return fmt.Errorf("%s: it holds %d objects, but %s says %d", objectsFile(row.Kind), found, collectedFile, row.Count)
	}
	c.evidence[row.Kind] = e
	return nil
}

// complete checks that what the probes brought back is there.
func (c *Collected) complete() error {
	for _, row := range c.manifest.Kubelets {
		answer := c.folder.kubelets[row.Node]
		if answer.Stats == nil && row.StatsError == "" {
			return fmt.Errorf("kubelet/%s.stats.json: it is missing, but %s says that the kubelet answered", row.Node, collectedFile)
		}
		if answer.Config == nil && row.ConfigError == "" {
			return fmt.Errorf("kubelet/%s.configz.json: it is missing, but %s says that the kubelet answered", row.Node, collectedFile)
		}
	}
	for _, row := range c.manifest.Certificates {
		if row.File != "" && c.folder.chains[chainName(row.File)] == nil {
			return fmt.Errorf("%s: it is missing, but %s says that %s presented it", row.File, collectedFile, row.Endpoint)
		}
	}
	return nil
}

// Name implements Source with the name of the source that was collected.
func (c *Collected) Name() string { return c.manifest.Source }

// CollectedAt implements Dated.
func (c *Collected) CollectedAt() time.Time { return c.manifest.CollectedAt }

// Program is the version of the program that collected the evidence.
func (c *Collected) Program() string { return c.manifest.Program }

// List implements Source.
func (c *Collected) List(_ context.Context, resource Resource) ([]client.Object, Evidence) {
	e, ok := c.evidence[resource.Kind]
	if !ok {
		return nil, unread(resource.Kind, fmt.Sprintf("upgrade-gate %s, which collected the evidence, did not read it", c.manifest.Program))
	}
	if !e.held() {
		return nil, e
	}
	return c.folder.objects[resource.Kind], e
}

// Probe implements Source with what the servers answered when they were asked, whatever targets are known now.
func (c *Collected) Probe(context.Context, Targets) Probed {
	probed := Probed{CertificatesUnread: c.manifest.CertificatesUnread}
	if c.manifest.Kubelets != nil {
		probed.Kubelets = map[string]Kubelet{}
	}
	for _, row := range c.manifest.Kubelets {
		answer := c.folder.kubelets[row.Node]
		if row.ReadAt != nil {
			answer.ReadAt = *row.ReadAt
		}
		answer.StatsError, answer.ConfigError = row.StatsError, row.ConfigError
		probed.Kubelets[row.Node] = answer
	}
	for _, row := range c.manifest.Certificates {
		served := ServedCertificate{Endpoint: row.Endpoint, Node: row.Node, Error: row.Error}
		if row.File != "" {
			served.Chain = c.folder.chains[chainName(row.File)]
		}
		probed.Certificates = append(probed.Certificates, served)
	}
	return probed
}
