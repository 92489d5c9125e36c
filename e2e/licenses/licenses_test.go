package licenses

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/e2e/tools"
)

func TestThePageOfLicensesIsCurrentAndEveryLicenseIsPermitted(t *testing.T) {
	repository, err := tools.Repository()
	if err != nil {
		t.Fatal(err)
	}
	modules, err := Linked(t.Context(), repository, Platforms()...)
	if err != nil {
		t.Fatal(err)
	}
	licensed, err := Classify(modules)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(repository, "docs", "licenses.md"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(Page(licensed)), string(got)); diff != "" {
		t.Errorf("docs/licenses.md is not current, run make generate (-want +got):\n%s", diff)
	}
	texts := string(Texts(licensed))
	for _, part := range []string{
		"sigs.k8s.io/yaml v1.6.0: LICENSE (Apache-2.0, BSD-3-Clause, MIT)",
		"k8s.io/client-go v0.37.0: third_party/forked/httpcache/LICENSE (MIT)", // of a package that was forked
		"github.com/prometheus/client_golang v1.24.0: NOTICE\n",                // Apache-2.0 demands that it be passed on
		"std go1.", "Copyright (c) 2012-2016 Dave Collins",
	} {
		if !strings.Contains(texts, part) {
			t.Errorf("the texts lack %q", part)
		}
	}
	if strings.Contains(texts, "upgrade-gate/upgrade-gate") {
		t.Error("our own licence is among those of the third parties")
	}
}

// text returns a licence of this repository's dependencies, which is the real thing.
func text(t *testing.T, module, name string) []byte {
	t.Helper()
	output, err := tools.Output(t.Context(), "", nil, "go", "list", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(output)), name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestALicenseThatIsMissingUnknownOrNotPermittedIsAnError(t *testing.T) {
	root, err := tools.Output(t.Context(), "", nil, "go", "env", "GOROOT")
	if err != nil {
		t.Fatal(err)
	}
	openSSL, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "src", "crypto", "internal", "boring", "LICENSE"))
	if err != nil {
		t.Fatal(err)
	}
	mit := text(t, "go.uber.org/zap", "LICENSE")
	for name, c := range map[string]struct {
		files map[string]string
		want  string // of the error; empty if there is none
		ids   string
	}{
		"one that is permitted":            {map[string]string{"LICENSE": string(mit)}, "", "MIT"},
		"none":                             {map[string]string{"README.md": "Free for all."}, "has no licence", ""},
		"none but a notice":                {map[string]string{"NOTICE": "Copyright the authors."}, "has no licence", ""},
		"one that nobody knows":            {map[string]string{"LICENSE": "Do what you want, but be kind."}, "only 0 % of it is the text of a licence", ""},
		"a permitted one and one sold":     {map[string]string{"LICENSE": string(mit), "pkg/LICENSE.md": "Pay me."}, "pkg/LICENSE.md of module example.org/it v1", ""},
		"one that asks for more":           {map[string]string{"LICENSE": string(openSSL)}, "is under OpenSSL, which is not permitted", ""},
		"of a folder that is not linked":   {map[string]string{"LICENSE": string(mit), "other/LICENSE": "Pay me."}, "", "MIT"},
		"a source file of such a name":     {map[string]string{"LICENSE": string(mit), "license.go": "package it"}, "", "MIT"},
		"above the package that is linked": {map[string]string{"LICENSE": string(mit), "pkg/COPYING": "Pay me."}, "pkg/COPYING", ""},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			for path, content := range c.files {
				path = filepath.Join(folder, path)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			linked := filepath.Join(folder, "pkg", "inner")
			if err := os.MkdirAll(linked, 0o755); err != nil {
				t.Fatal(err)
			}
			got, err := Classify([]Module{{Path: "example.org/it", Version: "v1", Folder: folder, Packages: []string{linked}}})
			if c.want == "" {
				if err != nil || got[0].Expression() != c.ids {
					t.Errorf("got %v, %v; want %s", got, err, c.ids)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || len(got) > 0 {
				t.Errorf("got %v, %v; want %q", got, err, c.want)
			}
		})
	}
}
