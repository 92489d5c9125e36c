package supportbundle

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Bundle is a collected bundle that is not written yet.
type Bundle struct {
	// Name is that of the bundle's one folder. Name + ".zip" is that of its file.
	Name string

	files     map[string][]byte
	created   time.Time
	truncated bool
}

// Files are the contents of the bundle, by their paths below its folder. They must not be changed.
func (b *Bundle) Files() map[string][]byte { return b.files }

// WriteZip writes the archive to a file, which is there only when it is whole.
func (b *Bundle) WriteZip(path string) error {
	var archive bytes.Buffer
	if err := writeZip(&archive, b.Name, b.files, b.created); err != nil {
		return fmt.Errorf("writing the support bundle: %w", err)
	}
	content := archive.Bytes()
	if b.truncated {
		content = content[:len(content)/2]
	}
	partial := path + ".part"
	if err := os.WriteFile(partial, content, 0o600); err != nil {
		return fmt.Errorf("writing the support bundle: %w", err)
	}
	if err := os.Rename(partial, path); err != nil {
		return errors.Join(fmt.Errorf("writing the support bundle: %w", err), os.Remove(partial))
	}
	return nil
}

// Unpack writes the bundle as it looks unpacked, and returns its folder, which must not exist in the given one yet.
func (b *Bundle) Unpack(into string) (string, error) {
	top := filepath.Join(into, b.Name)
	if err := os.Mkdir(top, 0o755); err != nil {
		return "", fmt.Errorf("unpacking the support bundle: %w", err)
	}
	for name, content := range b.files {
		file := filepath.Join(top, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return "", fmt.Errorf("unpacking the support bundle: %w", err)
		}
		if err := os.WriteFile(file, content, 0o644); err != nil {
			return "", fmt.Errorf("unpacking the support bundle: %w", err)
		}
	}
	return top, nil
}
