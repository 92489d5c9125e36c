package licenses

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// Text is a file that a licence demands to be passed on.
type Text struct {
	// Name is the file's path in its module, with slashes, such as "third_party/forked/golang/LICENSE".
	Name    string
	Content []byte
	// Licenses are the SPDX identifiers of the licences in it, sorted. Empty for a notice.
	Licenses []string
}

// Licensed is a module with its licences.
type Licensed struct {
	Module
	Texts []Text
}

// Licenses returns the SPDX identifiers of all licences that code of the module is under, sorted.
func (l Licensed) Licenses() []string {
	all := map[string]bool{}
	for _, text := range l.Texts {
		for _, id := range text.Licenses {
			all[id] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// Expression returns the module's licences as an SPDX expression. Each of them has to be kept.
func (l Licensed) Expression() string { return strings.Join(l.Licenses(), " AND ") }

// enough is the share of a file, in percent, that must be the text of licences for the file to be understood. The rest is copyright lines.
const enough = 75

var (
	licenseFile = regexp.MustCompile(`(?i)^((un)?licen[cs]e|copying)([-._].*)?$`)
	noticeFile  = regexp.MustCompile(`(?i)^(notice|patents|copyright|authors)([-._].*)?$`)
	sourceFile  = regexp.MustCompile(`(?i)\.(go|s|c|h)$`)
)

// permitted are the licences that ask for nothing but their text to be passed on. Code under any other is not linked in before
// somebody has read it and added it here.
func permitted() []string {
	return []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"}
}

// file is a file of a module.
type file struct{ module, name string }

// reviewed says of files what a person has read in them, where a program cannot tell. No licence means that the file is about nothing
// that is linked in.
func reviewed() map[file][]string {
	return map[file][]string{
		// The MIT licence of the project that was forked, between sentences that say so.
		{"github.com/cert-manager/cert-manager", "internal/cron/LICENSE"}: {"MIT"},
		// Of BoringSSL's object files beside the package, which Go links in with GOEXPERIMENT=boringcrypto only.
		{StandardLibrary, "src/crypto/internal/boring/LICENSE"}: nil,
	}
}

// Classify finds the licences of every module. A module without one, with a text that is not understood, or under a licence that is
// not permitted, is an error; the error names all of them.
func Classify(modules []Module) ([]Licensed, error) {
	var (
		licensed []Licensed
		problems []error
	)
	for _, module := range modules {
		found, err := classify(module)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		licensed = append(licensed, found)
	}
	return licensed, errors.Join(problems...)
}

func classify(module Module) (Licensed, error) {
	licensed := Licensed{Module: module}
	folders, err := foldersAbove(module)
	if err != nil {
		return licensed, err
	}
	for _, folder := range folders {
		texts, err := textsIn(module, folder)
		if err != nil {
			return licensed, err
		}
		licensed.Texts = append(licensed.Texts, texts...)
	}
	ids := licensed.Licenses()
	if len(ids) == 0 {
		return licensed, fmt.Errorf("module %s %s has no licence: it may not be passed on", module.Path, module.Version)
	}
	for _, id := range ids {
		if !slices.Contains(permitted(), id) {
			return licensed, fmt.Errorf("module %s %s is under %s, which is not permitted: do without the module, or read the licence and permit it in e2e/licenses/classify.go",
				module.Path, module.Version, id)
		}
	}
	return licensed, nil
}

// foldersAbove returns the folders of the module's linked packages and all folders between them and the module's own, sorted: what is
// forked into a module brings its licence along.
func foldersAbove(module Module) ([]string, error) {
	all := map[string]bool{module.Folder: true}
	for _, folder := range module.Packages {
		inside, err := filepath.Rel(module.Folder, folder)
		if err != nil || !filepath.IsLocal(inside) {
			return nil, fmt.Errorf("package folder %s is outside of its module %s", folder, module.Path)
		}
		for ; inside != "."; inside = filepath.Dir(inside) {
			all[filepath.Join(module.Folder, inside)] = true
		}
	}
	return slices.Sorted(maps.Keys(all)), nil
}

func textsIn(module Module, folder string) ([]Text, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("looking for licences of %s: %w", module.Path, err)
	}
	var texts []Text
	for _, entry := range entries {
		isLicense, isNotice := licenseFile.MatchString(entry.Name()), noticeFile.MatchString(entry.Name())
		if entry.IsDir() || sourceFile.MatchString(entry.Name()) || !isLicense && !isNotice {
			continue
		}
		text, err := read(module, filepath.Join(folder, entry.Name()))
		if err != nil {
			return nil, err
		}
		ids, known := reviewed()[file{module.Path, text.Name}]
		switch {
		case known && len(ids) == 0:
			continue
		case known:
			text.Licenses = ids
		case isLicense:
			if text.Licenses, err = identify(text.Content); err != nil {
				return nil, fmt.Errorf("%s of module %s %s: %w", text.Name, module.Path, module.Version, err)
			}
		}
		texts = append(texts, text)
	}
	return texts, nil
}

func read(module Module, path string) (Text, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return Text{}, fmt.Errorf("reading a licence of %s: %w", module.Path, err)
	}
	name, err := filepath.Rel(module.Folder, path)
	return Text{Name: filepath.ToSlash(name), Content: content}, err
}

// identify returns the SPDX identifiers of the licences in a text.
func identify(content []byte) ([]string, error) {
	coverage := licensecheck.Scan(content)
	if coverage.Percent < enough {
		return nil, fmt.Errorf("only %.0f %% of it is the text of a licence that is known", coverage.Percent)
	}
	ids := map[string]bool{}
	for _, match := range coverage.Match {
		ids[match.ID] = true
	}
	return slices.Sorted(maps.Keys(ids)), nil
}
