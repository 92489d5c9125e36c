package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What the README shows of this program is what it prints.
func TestWhatTheREADMEShowsIsWhatIsPrinted(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	content, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	files := t.TempDir()
	for _, block := range regexp.MustCompile("(?s)```\n(.*?)```").FindAllStringSubmatch(string(content), -1) {
		if strings.HasPrefix(block[1], "$ upgrade-gate ") {
			shown++
			runAsShown(t, files, strings.Split(strings.TrimSuffix(block[1], "\n"), "\n"))
		}
	}
	if shown != 3 {
		t.Errorf("the README shows %d uses of the program, want 3", shown)
	}
}

// runAsShown runs the commands of a block, and looks for the lines below them, in their order; a line of … stands for any others.
func runAsShown(t *testing.T, files string, lines []string) {
	t.Helper()
	printed := ""
	for at, line := range lines {
		command, isCommand := strings.CutPrefix(line, "$ upgrade-gate ")
		if !isCommand {
			text := strings.Join(lines[at:], "\n")
			for part := range strings.SplitSeq(text, "…") {
				part = strings.Trim(part, "\n")
				begins := strings.Index(printed, part)
				if begins < 0 {
					t.Errorf("this is not printed, or not in this order:\n%s\nbut\n%s", part, printed)
					return
				}
				printed = printed[begins+len(part):]
			}
			return
		}
		command, redirected, _ := strings.Cut(command, " > ")
		args := strings.Fields(command)
		for i, arg := range args {
			if strings.HasSuffix(arg, ".json") {
				args[i] = filepath.Join(files, arg)
			}
		}
		got := call(t, args...)
		if got.code == exitFailure || got.stderr != "" {
			t.Fatalf("%s: %+v", line, got)
		}
		printed = got.stdout
		if redirected != "" {
			if err := os.WriteFile(filepath.Join(files, redirected), []byte(got.stdout), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}
