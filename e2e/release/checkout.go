package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/semver"
	"sigs.k8s.io/yaml"

	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

// checkout is the commit that is released.
type checkout struct {
	folder string
	commit string
	// time is the commit's, or what SOURCE_DATE_EPOCH says: whatever is released carries it.
	time time.Time
}

// open finds out what would be released as version from the checkout in folder, and refuses what nobody could build again.
func open(ctx context.Context, folder, version string) (*checkout, error) {
	if !semver.IsValid(version) || semver.Canonical(version) != version {
		return nil, fmt.Errorf("%q is no version such as v0.1.0: make release VERSION=v0.1.0", version)
	}
	changed, err := git(ctx, folder, "status", "--porcelain")
	if err != nil {
		return nil, err
	}
	if changed != "" {
		first, _, _ := strings.Cut(changed, "\n")
		return nil, fmt.Errorf("the checkout has %d changed files, the first is %q: commit them, nobody could build this release again",
			strings.Count(changed, "\n")+1, strings.TrimSpace(first))
	}
	commit, err := git(ctx, folder, "rev-parse", "HEAD")
	if err != nil {
		return nil, err
	}
	if err := expectTag(ctx, folder, version, commit); err != nil {
		return nil, err
	}
	if err := expectFilesOf(folder, version); err != nil {
		return nil, err
	}
	when, err := commitTime(ctx, folder)
	if err != nil {
		return nil, err
	}
	return &checkout{folder: folder, commit: commit, time: when}, nil
}

// expectTag refuses a version that has been given to another commit.
func expectTag(ctx context.Context, folder, version, commit string) error {
	tags, err := git(ctx, folder, "tag", "--list", version)
	if err != nil || tags == "" {
		return err
	}
	tagged, err := git(ctx, folder, "rev-parse", "refs/tags/"+version+"^{commit}")
	if err != nil {
		return err
	}
	if tagged != commit {
		return fmt.Errorf("the tag %s is at commit %.12s, and this is %.12s: a version is released once", version, tagged, commit)
	}
	return nil
}

// expectFilesOf compares the version with those in the files that are released as they are.
func expectFilesOf(folder, version string) error {
	number := strings.TrimPrefix(version, "v")
	var chart struct{ Version, AppVersion string }
	if err := readYAML(filepath.Join(folder, chartFolder, "Chart.yaml"), 0, &chart); err != nil {
		return err
	}
	var addon struct{ Spec struct{ Version string } }
	if err := readYAML(filepath.Join(folder, "deploy", "addon", "upgrade-gate.yaml"), 1, &addon); err != nil {
		return err
	}
	for _, v := range []struct{ where, says, want string }{
		{chartFolder + "/Chart.yaml has version", chart.Version, number},
		{chartFolder + "/Chart.yaml has appVersion", chart.AppVersion, version},
		{"deploy/addon/upgrade-gate.yaml has version", addon.Spec.Version, number},
	} {
		if v.says != v.want {
			return fmt.Errorf("%s %q, and the release is %s: write %s there and commit it", v.where, v.says, version, v.want)
		}
	}
	return nil
}

// readYAML reads one document of a file.
func readYAML(path string, document int, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	documents := strings.Split(string(text), "\n---\n")
	if document >= len(documents) {
		return fmt.Errorf("%s has %d documents, its number %d is missing", path, len(documents), document+1)
	}
	if err := yaml.Unmarshal([]byte(documents[document]), into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func commitTime(ctx context.Context, folder string) (time.Time, error) {
	text, source := os.Getenv("SOURCE_DATE_EPOCH"), "SOURCE_DATE_EPOCH"
	if text == "" {
		var err error
		if text, err = git(ctx, folder, "log", "-1", "--format=%ct"); err != nil {
			return time.Time{}, err
		}
		source = "the commit's time"
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 {
		return time.Time{}, fmt.Errorf("%s is %q, and should be seconds since 1970", source, text)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

func git(ctx context.Context, folder string, args ...string) (string, error) {
	output, err := tools.Output(ctx, folder, nil, "git", args...)
	return strings.TrimRight(string(output), "\n"), err
}

// files returns the committed files below a folder of the checkout, under their paths below that folder.
func (c *checkout) files(ctx context.Context, folder string) ([]file, error) {
	names, err := git(ctx, c.folder, "ls-files", "-z", "--", folder)
	if err != nil {
		return nil, err
	}
	var files []file
	for _, name := range strings.Split(strings.TrimSuffix(names, "\x00"), "\x00") {
		content, err := os.ReadFile(filepath.Join(c.folder, name))
		if err != nil {
			return nil, err
		}
		files = append(files, file{name: strings.TrimPrefix(name, folder+"/"), content: content})
	}
	return files, nil
}
