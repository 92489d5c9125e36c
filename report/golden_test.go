package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got), rewrite with -update:\n%s", file, diff)
	}
}

func asJSON(t *testing.T, value any) []byte {
	t.Helper()
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// styled is a writer of one style.
func styled(write func(io.Writer, Report, Style) error, style Style) func(io.Writer, Report) error {
	return func(w io.Writer, r Report) error { return write(w, r, style) }
}

// written is what a writer writes of a report, or of something else.
func written[T any](t *testing.T, write func(io.Writer, T) error, object T) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out, object); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestWhatPeopleAndProgramsRead(t *testing.T) {
	for name, sample := range map[string]func(*testing.T) Report{"stuck": stuck, "unread": unread, "ready": ready, "overwhelmed": overwhelmed} {
		t.Run(name, func(t *testing.T) {
			r := sample(t)
			golden(t, name+".message.txt", []byte(Message(r)+"\n"))
			golden(t, name+".warnings.txt", []byte(strings.Join(Warnings(r), "\n")+"\n"))
			golden(t, name+".event.txt", []byte(EventReason(r)+": "+EventNote(r, "user-k7x2p")+"\n"))
			golden(t, name+".audit.json", asJSON(t, AuditAnnotations(r)))
			golden(t, name+".causes.json", asJSON(t, Causes(r)))
			for file, write := range map[string]func(io.Writer, Report) error{
				".text.txt":  styled(WriteText, Style{}),
				".json":      WriteJSON,
				".yaml":      WriteYAML,
				".md":        WriteMarkdown,
				".junit.xml": WriteJUnit,
				".wide.txt":  styled(WriteWide, Style{}),
			} {
				golden(t, name+file, written(t, write, r))
			}
		})
	}
}
