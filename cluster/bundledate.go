package cluster

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// maxMetadata bounds metadata.yaml, which is a few lines.
const maxMetadata = 1 << 20

// bundleMetadata is what a bundle says of itself.
type bundleMetadata struct {
	// createdAt is when the kit began to collect; zero where nothing tells.
	createdAt time.Time
	// kubernetes is the version of Kubernetes; empty where it does not say.
	kubernetes string
}

// readMetadata reads metadata.yaml, which the kit prints with keys in lower case. Where it is missing or has no date, the name of the
// top directory or of the file has it. A file that is no YAML is one without a date: nothing that is judged rests on it.
func readMetadata(files fs.FS, top, file string) (bundleMetadata, error) {
	var about bundleMetadata
	content, err := readSmallFile(files, metadataFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return about, fmt.Errorf("%s: %w", metadataFile, err)
	}
	var fields map[string]any
	if yaml.Unmarshal(content, &fields) == nil {
		for key, value := range fields {
			text, _ := value.(string)
			switch strings.ToLower(key) {
			case "bundlecreatedat":
				about.createdAt = parseBundleTime(text)
			case "kubernetesversion":
				about.kubernetes = firstLine([]byte(text))
			}
		}
	}
	for _, name := range []string{top, file} {
		if about.createdAt.IsZero() {
			about.createdAt = timeInName(name)
		}
	}
	return about, nil
}

func readSmallFile(files fs.FS, name string) ([]byte, error) {
	file, err := files.Open(name)
	if err != nil {
		return nil, bare(err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxMetadata+1))
	switch {
	case err != nil:
		return nil, bare(err)
	case len(content) > maxMetadata:
		return nil, fmt.Errorf("it is larger than the limit of %d MiB", maxMetadata>>20)
	}
	return content, nil
}

// describe names the bundle for people.
func (m bundleMetadata) describe(file string) string {
	name := "support bundle " + file
	if m.kubernetes != "" {
		name += " of Kubernetes " + m.kubernetes
	}
	if m.createdAt.IsZero() {
		name += ", whose date is not known"
	}
	return name
}

// parseBundleTime parses bundlecreatedat: RFC 3339, as the kit prints it, the form with dashes of the file's name, or what Go prints of a
// time.Time. Zero for anything else.
func parseBundleTime(text string) time.Time {
	text, _, _ = strings.Cut(strings.TrimSpace(text), " m=")
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15-04-05Z", "2006-01-02 15:04:05.999999999 -0700 MST", "2006-01-02 15:04:05.999999999 -0700", "2006-01-02 15:04:05"} {
		if at, err := time.Parse(form, text); err == nil {
			return at.UTC()
		}
	}
	return time.Time{}
}

// timeInName returns the time in a bundle's name, supportbundle_ID_2026-08-07T10-11-12Z.zip; zero where there is none.
func timeInName(name string) time.Time {
	return parseBundleTime(regexp.MustCompile(`\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}Z`).FindString(name))
}
