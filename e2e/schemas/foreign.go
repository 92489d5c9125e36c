package schemas

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

// ForeignCRDs returns the files and folders of the CRDs that cert-manager and the Prometheus operator install, out of their pinned modules.
func ForeignCRDs(ctx context.Context) ([]string, error) {
	repository, err := tools.Repository()
	if err != nil {
		return nil, err
	}
	certManager, err := moduleFolder(ctx, filepath.Join(repository, "e2e"), "github.com/cert-manager/cert-manager")
	if err != nil {
		return nil, err
	}
	operator, err := moduleFolder(ctx, filepath.Join(repository, "e2e", "tools", "prometheus-operator"), "github.com/prometheus-operator/prometheus-operator")
	if err != nil {
		return nil, err
	}
	monitoring := filepath.Join(operator, "example", "prometheus-operator-crd", "monitoring.coreos.com_")
	return []string{filepath.Join(certManager, "deploy", "crds"), monitoring + "podmonitors.yaml", monitoring + "prometheusrules.yaml"}, nil
}

// moduleFolder returns where the files of a module are that is required by the go.mod in folder.
func moduleFolder(ctx context.Context, folder, module string) (string, error) {
	output, err := tools.Output(ctx, folder, nil, "go", "mod", "download", "-json", module)
	if err != nil {
		return "", err
	}
	var downloaded struct{ Dir string }
	if err := json.Unmarshal(output, &downloaded); err != nil || downloaded.Dir == "" {
		return "", fmt.Errorf("go mod download does not say where %s is: %s", module, output)
	}
	return downloaded.Dir, nil
}
