package load

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Repair makes one change to a loaded cluster: the objects of folder's apply.yaml replace those of the
// same name or are new, and those that its delete.yaml names are gone afterwards, whatever finalizers
// they have. Either file may be missing. Recorded answers of kubelets in the folder are not Repair's:
// see kubelets.Fleet.Update.
func (l *Loader) Repair(ctx context.Context, folder string) error {
	applied, err := readIfThere(filepath.Join(folder, "apply.yaml"))
	if err != nil {
		return err
	}
	deleted, err := readIfThere(filepath.Join(folder, "delete.yaml"))
	if err != nil {
		return err
	}
	var errs []error
	if _, err := l.Apply(ctx, applied...); err != nil {
		errs = append(errs, err)
	}
	for _, object := range deleted {
		if err := l.Delete(ctx, ReferenceTo(object)); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// readIfThere returns the objects of a file, none if there is no such file.
func readIfThere(path string) ([]*unstructured.Unstructured, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading a repair: %w", err)
	}
	objects, err := Decode(text)
	if err != nil {
		return nil, fmt.Errorf("reading a repair: %s: %w", path, err)
	}
	return objects, nil
}
