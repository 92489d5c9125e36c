package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/gate"
	"github.com/upgrade-gate/upgrade-gate/policy"
	"github.com/upgrade-gate/upgrade-gate/report"
)

// judgedJSON is the report of a source as JSON.
func judgedJSON(t *testing.T, source cluster.Source, now time.Time, version string) string {
	t.Helper()
	judge := gate.Gate{Checks: checks.All(), Now: func() time.Time { return now }}
	r := judge.Judge(t.Context(), source, gate.Request{Request: checks.Request{Version: version}}, policy.Default())
	var out bytes.Buffer
	if err := report.WriteJSON(&out, r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestEveryExampleThatIsCollectedIsJudgedAsBeforeByteForByte(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	for _, e := range examples() {
		t.Run(e.name, func(t *testing.T) {
			now, err := time.Parse(time.RFC3339, e.at)
			if err != nil {
				t.Fatal(err)
			}
			folder, err := cluster.ReadFolder(e.folder(), cluster.FolderOptions{AssumeComplete: true})
			if err != nil {
				t.Fatal(err)
			}
			want := judgedJSON(t, folder, now, e.version)
			for _, name := range []string{"evidence.zip", "evidence"} {
				path := filepath.Join(t.TempDir(), name)
				files, err := (&collectOptions{output: path}).begin(now)
				if err != nil {
					t.Fatal(err)
				}
				write := func(create func(string) (io.Writer, error)) error {
					return cluster.Collect(t.Context(), folder, now).Write("v1", create)
				}
				if err := files.write(t.Context(), write); err != nil {
					t.Fatal(err)
				}
				read, err := cluster.Open(path, cluster.FolderOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, judgedJSON(t, read, read.(cluster.Dated).CollectedAt(), e.version)); diff != "" {
					t.Errorf("%s (-source +collected):\n%s", name, diff)
				}
			}
		})
	}
}

func TestWhatIsCollectedFromAnAPIServerIsJudgedLikeIt(t *testing.T) {
	config := apiServer(t, lists(t, nil))
	for _, name := range []string{"evidence.zip", "evidence"} {
		path := filepath.Join(t.TempDir(), name)
		got := call(t, "collect", "--kubeconfig", config, "-o", path)
		if got.code != 3 || got.stderr != "" || !strings.HasPrefix(got.stdout, "Wrote 1 objects to "+path+". To judge them: upgrade-gate check --from "+path+"\nNot read: certificates: ") {
			t.Errorf("got %+v", got)
		}
		rules := only(t, "paused-vms", "block")
		live := call(t, "check", "--kubeconfig", config, "--policy", rules)
		from := call(t, "check", "--from", path, "--policy", rules)
		if from.code != 2 || from.stderr != "" {
			t.Errorf("got %+v", from)
		}
		timeless := func(text string) string {
			lines := strings.Split(text, "\n")
			before, _, _ := strings.Cut(lines[1], ", as of ")
			lines[1] = before
			return strings.Join(lines, "\n")
		}
		if diff := cmp.Diff(timeless(live.stdout), timeless(from.stdout)); diff != "" {
			t.Errorf("%s (-live +collected):\n%s", name, diff)
		}
	}
}

func TestNothingIsWrittenOverWhatIsThere(t *testing.T) {
	config := apiServer(t, lists(t, nil))
	for _, name := range []string{"notes.zip", "notes"} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		got := call(t, "collect", "--kubeconfig", config, "-o", path)
		if got.code != 1 || got.stderr != "upgrade-gate: write the evidence: "+path+" exists already; nothing was written\n" {
			t.Errorf("got %+v", got)
		}
		if content, err := os.ReadFile(path); err != nil || string(content) != "mine" {
			t.Errorf("%s holds %q (%v)", path, content, err)
		}
		mustHoldOnly(t, filepath.Dir(path), name)
	}
}

// mustHoldOnly fails where a directory holds anything but one name.
func mustHoldOnly(t *testing.T, directory string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if diff := cmp.Diff(names, got); diff != "" {
		t.Errorf("files in the directory (-want +got):\n%s", diff)
	}
}

func TestACollectionThatFailsLeavesNothing(t *testing.T) {
	gone := kubeconfig(t, "http://127.0.0.1:1")
	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()
	for name, c := range map[string]struct {
		ctx    context.Context
		config string
		want   string
	}{
		"nobody answers":    {t.Context(), gone, "upgrade-gate: reach the API server at http://127.0.0.1:1:"},
		"it is interrupted": {interrupted, apiServer(t, lists(t, nil)), "upgrade-gate: interrupted\n"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, file := range []string{"evidence.zip", "evidence"} {
				directory := t.TempDir()
				var out, errOut bytes.Buffer
				code := run(c.ctx, []string{"collect", "--kubeconfig", c.config, "-o", filepath.Join(directory, file)}, &out, &errOut)
				if code != 1 || !strings.HasPrefix(errOut.String(), c.want) || out.Len() > 0 {
					t.Errorf("got exit code %d, %q, %q", code, out.String(), errOut.String())
				}
				mustHoldOnly(t, directory)
			}
		})
	}
}

func TestFilesThatCannotAllBeWrittenAreNotThere(t *testing.T) {
	full := errors.New("no space left on device")
	for _, name := range []string{"evidence.zip", "evidence"} {
		for what, fail := range map[string]func(cancel func(), create func(string) (io.Writer, error)) error{
			"the disk is full": func(_ func(), create func(string) (io.Writer, error)) error {
				_, _ = create("first.json")
				return full
			},
			"an interrupt comes between two files": func(cancel func(), create func(string) (io.Writer, error)) error {
				_, _ = create("first.json")
				cancel()
				_, err := create("second.json")
				return err
			},
		} {
			t.Run(name+" when "+what, func(t *testing.T) {
				directory := t.TempDir()
				files, err := (&collectOptions{output: filepath.Join(directory, name)}).begin(time.Now())
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				err = files.write(ctx, func(create func(string) (io.Writer, error)) error { return fail(cancel, create) })
				if !errors.Is(err, full) && !errors.Is(err, errInterrupted) {
					t.Errorf("got %v", err)
				}
				mustHoldOnly(t, directory)
			})
		}
	}
}

func TestAFileThatAppearsMeanwhileIsNotOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "evidence.zip")
	files, err := newWholeZip(path, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	err = files.write(t.Context(), func(func(string) (io.Writer, error)) error { return os.WriteFile(path, []byte("mine"), 0o600) })
	if content, _ := os.ReadFile(path); err == nil || string(content) != "mine" {
		t.Errorf("it holds %q (%v)", content, err)
	}
	mustHoldOnly(t, filepath.Dir(path), "evidence.zip")
}

func TestOnlyItsOwnerMayReadWhatIsCollected(t *testing.T) {
	config := apiServer(t, lists(t, nil))
	for _, name := range []string{"evidence.zip", "evidence"} {
		path := filepath.Join(t.TempDir(), name)
		if got := call(t, "collect", "--kubeconfig", config, "-o", path); got.code != 3 {
			t.Fatalf("got %+v", got)
		}
		err := filepath.Walk(path, func(file string, info os.FileInfo, err error) error {
			if err == nil && info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s has the mode %s", file, info.Mode())
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// Names, labels and states of objects are evidence; what users and administrators keep in them is not.
func TestWhatIsCollectedHoldsNoSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "evidence.zip")
	if got := call(t, "collect", "--kubeconfig", apiServer(t, secretive(t)), "-o", path); got.code != 3 {
		t.Fatalf("got %+v", got)
	}
	archive, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	for _, entry := range archive.File {
		file, err := entry.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(file)
		if err != nil {
			t.Fatal(err)
		}
		if at := bytes.Index(content, []byte(canary)); at >= 0 {
			t.Errorf("%s quotes a secret: …%s", entry.Name, content[max(0, at-200):at])
		}
	}
}

// secretive answers lists with objects that hold a secret wherever a person may have put one.
func secretive(t *testing.T) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, request *http.Request) {
		resource, ok := resourceAt(request.URL.Path)
		if !ok {
			status(w, http.StatusNotFound, "NotFound")
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"apiVersion":"`+resource.GVK.GroupVersion().String()+`","kind":"`+resource.GVK.Kind+`List","metadata":{},"items":[`+
			strings.Join(secretiveObjects(resource), ",")+`]}`)
	}
}
