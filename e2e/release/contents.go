package main

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/upgrade-gate/upgrade-gate/e2e/licenses"
)

const (
	programFile = "upgrade-gate"
	chartFolder = "deploy/chart/upgrade-gate"
	homepage    = "https://github.com/upgrade-gate/upgrade-gate"
)

// completion is what kubectl runs to complete the plugin's command lines. krew refuses archives with links, so it is not one.
const completion = `#!/bin/sh
exec kubectl-upgrade_gate __complete "$@"
`

const readme = `upgrade-gate VERSION for PLATFORM tells whether a Harvester cluster would survive an upgrade.

  upgrade-gate check --version v1.4.2                       the cluster of the current kubeconfig
  upgrade-gate check --from supportbundle_….zip             a support bundle
  upgrade-gate --help

As a plugin of kubectl, "kubectl upgrade-gate", with completion: put this folder into the PATH, and
  ln -s upgrade-gate kubectl-upgrade_gate

The same program is the admission webhook, which the Helm chart or the manifests of this release install from
an image. LICENSE is its own licence, ` + licenses.TextsName + ` has those of what is linked in.

HOMEPAGE
`

// programArchive returns the files of the archive of a platform.
func programArchive(version, platform string, program, license []byte, modules []licenses.Licensed) []file {
	text := strings.NewReplacer("VERSION", version, "PLATFORM", platform, "HOMEPAGE", homepage).Replace(readme)
	return []file{
		{name: programFile, content: program, executable: true},
		{name: "kubectl_complete-upgrade_gate", content: []byte(completion), executable: true},
		{name: "LICENSE", content: license},
		{name: "README.txt", content: []byte(text)},
		{name: licenses.TextsName, content: licenses.Texts(modules)},
	}
}

// chartArchive returns the Helm chart's name and its package, as helm package lays it out.
func chartArchive(ctx context.Context, c *checkout, version string) (string, []byte, error) {
	files, err := c.files(ctx, chartFolder)
	if err != nil {
		return "", nil, err
	}
	for i := range files {
		files[i].name = path.Join(path.Base(chartFolder), files[i].name)
	}
	packed, err := archive(files, c.time)
	return fmt.Sprintf("upgrade-gate-%s.tgz", strings.TrimPrefix(version, "v")), packed, err
}

// manifestArchive returns the name and the archive of the kustomize overlays and of the add-on.
func manifestArchive(ctx context.Context, c *checkout, version string) (string, []byte, error) {
	var files []file
	for _, folder := range []string{"base", "overlays", "components", "addon"} {
		found, err := c.files(ctx, "deploy/"+folder)
		if err != nil {
			return "", nil, err
		}
		for _, f := range found {
			f.name = path.Join(folder, f.name)
			files = append(files, f)
		}
	}
	packed, err := archive(files, c.time)
	return fmt.Sprintf("upgrade-gate_%s_manifests.tar.gz", version), packed, err
}
