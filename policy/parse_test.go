package policy

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/upgrade-gate/upgrade-gate/checks"
)

const head = "apiVersion: upgradegate.io/v1alpha1\nkind: Policy\n"

// known are the names of the checks in these tests.
func known() []string { return []string{"paused-vms", "disk-space", "faulted-replicas"} }

func TestAWholePolicyIsRead(t *testing.T) {
	got, err := parse("policy.yaml", []byte(head+`
checks:
  paused-vms: {enforcement: warn}
  disk-space:
    enforcement: off
thresholds:
  diskHeadroom: 20Gi
  diskMinimumFree: 40G
  snapshotMargin: 7
  stuckMigrationAge: 1h
  staleEngineAge: 11m
  lostEngineAge: 3m
  snapshotDeletionAge: 45m
  ioErrorWindow: 10m
  certificateBlockAge: 240h
  certificateWarnAge: 8760h
excludeNamespaces: [sandbox, lab-1]
`), known())
	if err != nil {
		t.Fatal(err)
	}
	want := checks.Settings{
		DiskHeadroomBytes: 20 << 30, DiskMinimumFreeBytes: 40e9, SnapshotMargin: 7, StuckMigrationAge: time.Hour,
		StaleEngineAge: 11 * time.Minute, LostEngineAge: 3 * time.Minute, SnapshotDeletionAge: 45 * time.Minute,
		IOErrorWindow: 10 * time.Minute, CertificateBlockAge: 10 * 24 * time.Hour, CertificateWarnAge: 365 * 24 * time.Hour,
		ExcludedNamespaces: map[string]bool{"sandbox": true, "lab-1": true},
	}
	if diff := cmp.Diff(want, got.Settings(nil)); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	for check, want := range map[string]Enforcement{"paused-vms": Warn, "disk-space": Off, "faulted-replicas": Block, "no-such": Block} {
		if got := got.Enforcement(check); got != want {
			t.Errorf("enforcement of %s: got %s, want %s", check, got, want)
		}
	}
}

func TestEveryThresholdOfTheChecksCanBeSet(t *testing.T) {
	settings := checks.DefaultSettings()
	for _, threshold := range thresholds() {
		value := map[bool]string{true: "17", false: "17m"}[strings.Contains(threshold.form, "number") || strings.Contains(threshold.form, "size")]
		if !threshold.set(&settings, value) {
			t.Errorf("threshold %s does not take %s", threshold.name, value)
		}
	}
	before, after := reflect.ValueOf(checks.DefaultSettings()), reflect.ValueOf(settings)
	for i := range before.NumField() {
		name := before.Type().Field(i).Name
		if name != "ExcludedNamespaces" && before.Field(i).Equal(after.Field(i)) {
			t.Errorf("no threshold of the policy file sets checks.Settings.%s: add it to thresholds()", name)
		}
	}
}

func TestAnUntouchedFieldKeepsItsDefault(t *testing.T) {
	got, err := parse("policy.yaml", []byte(head+"thresholds:\n  snapshotMargin: 0\nchecks:\nexcludeNamespaces:\n"), known())
	if err != nil {
		t.Fatal(err)
	}
	want := checks.DefaultSettings()
	want.SnapshotMargin = 0
	if diff := cmp.Diff(want, got.Settings(nil)); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestEnforcementIsReadAsItWasMeant(t *testing.T) {
	for written, want := range map[string]Enforcement{
		"off": Off, `"off"`: Off, "Off": Off, "false": Off, "on": Block, "true": Block, "block": Block, "warn": Warn, "'warn'": Warn,
	} {
		got, err := parse("policy.yaml", []byte(head+"checks:\n  paused-vms: {enforcement: "+written+"}\n"), known())
		if err != nil {
			t.Errorf("%s: %v", written, err)
			continue
		}
		if got.Enforcement("paused-vms") != want {
			t.Errorf("%s: got %s, want %s", written, got.Enforcement("paused-vms"), want)
		}
	}
}

func TestEverythingWrongIsToldAtOnceWithItsLine(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		want []string
	}{
		"an empty file says what is missing": {"", []string{"p:1: the file is empty: it must say apiVersion: upgradegate.io/v1alpha1 and kind: Policy"}},
		"only a comment is an empty file":    {"# nothing\n", []string{"p:1: the file is empty: it must say apiVersion: upgradegate.io/v1alpha1 and kind: Policy"}},
		"a head is needed": {"checks: {}\n", []string{
			"p:1: apiVersion is missing: it must be upgradegate.io/v1alpha1", "p:1: kind is missing: it must be Policy"}},
		"another version is refused": {"apiVersion: upgradegate.io/v2\nkind: Policy\n", []string{
			`p:1: apiVersion is "upgradegate.io/v2": it must be upgradegate.io/v1alpha1`}},
		"many faults": {head + `
check: {}
checks:
  pausd-vms: {enforcement: warn}
  disk-space: {enforcement: maybe, until: monday}
  paused-vms: warn
thresholds:
  diskHeadroom: lots
  snapshotMargin: -1
  stuckMigrationAge: 30
  lostEngineAge: [2m]
  coffee: 3
  certificateWarnAge: 8761h
excludeNamespaces: [longhorn-system, Sandbox, cattle-x, kube-public]
`, []string{
			`p:4: the policy has no field "check"; did you mean checks?`,
			`p:6: checks has no field "pausd-vms"; did you mean paused-vms?`,
			`p:7: enforcement is "maybe": it must be block, warn or off`,
			`p:7: check disk-space has no field "until"`,
			`p:8: check paused-vms must be a mapping, not "warn"`,
			`p:10: diskHeadroom is "lots": it must be a size from 0 to 1Pi, like 30Gi`,
			`p:11: snapshotMargin is "-1": it must be a whole number from 0 to 200`,
			`p:12: stuckMigrationAge is "30": it must be a time from 1s to 720h, like 30m`,
			`p:13: lostEngineAge must be a time from 1s to 720h, like 30m, not a list`,
			`p:14: thresholds has no field "coffee"`,
			`p:15: certificateWarnAge is "8761h": it must be a time from 1s to 8760h, like 720h`,
			`p:16: namespace longhorn-system belongs to the system and cannot be left out`,
			`p:16: "Sandbox" is not the name of a namespace`,
			`p:16: namespace cattle-x belongs to the system and cannot be left out`,
			`p:16: namespace kube-public belongs to the system and cannot be left out`,
		}},
		"a field that is set twice":     {head + "checks: {}\nchecks: {}\n", []string{`p:4: "checks" is set already in line 3`}},
		"two documents":                 {head + "---\n" + head, []string{"p:3: a second document: a policy is one document"}},
		"a list instead of a mapping":   {"- a\n", []string{"p:1: the policy must be a mapping, not a list"}},
		"a scalar instead of a mapping": {"warn\n", []string{`p:1: the policy must be a mapping, not "warn"`}},
		"a namespace instead of a list": {head + "excludeNamespaces: sandbox\n", []string{`p:3: excludeNamespaces must be a list, not "sandbox"`}},
		"anchors, which bombs are made of": {head + "checks: &a\n  paused-vms: {enforcement: warn}\nthresholds: *a\n", []string{
			"p:3: anchors and aliases are not supported", "p:5: anchors and aliases are not supported"}},
		"a key that is a mapping": {head + "? {a: b}\n: c\n", []string{"p:3: the policy has a key that is no name"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse("p", []byte(c.file), known())
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(strings.Join(c.want, "\n"), err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBrokenYAMLNamesItsLine(t *testing.T) {
	_, err := parse("p", []byte(head+"checks: {\n"), known())
	if err == nil || !strings.HasPrefix(err.Error(), "p:") || !strings.Contains(err.Error(), "not YAML") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}

func TestALargeFileIsRefusedBeforeItIsParsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(file, []byte(head+strings.Repeat("#", 2<<20)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(file); err == nil || !strings.Contains(err.Error(), "larger than the limit of 1 MiB") {
		t.Errorf("got %v", err)
	}
}

func TestAFileThatIsNotThereIsAnError(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml")); err == nil || !strings.HasPrefix(err.Error(), "read the policy: ") {
		t.Errorf("got %v", err)
	}
}

func TestSettingsOfOneCallerDoNotChangeThePolicy(t *testing.T) {
	p, err := parse("p", []byte(head+"excludeNamespaces: [sandbox]\n"), known())
	if err != nil {
		t.Fatal(err)
	}
	p.Settings(nil).ExcludedNamespaces["other"] = true
	if diff := cmp.Diff([]string{"sandbox"}, p.ExcludedNamespaces()); diff != "" {
		t.Error(diff)
	}
}

func TestAnUpgradeMaySayHowLongCertificatesMustBeValid(t *testing.T) {
	p, err := parse("p", []byte(head+"thresholds: {certificateBlockAge: 240h}\n"), known())
	if err != nil {
		t.Fatal(err)
	}
	const day = 24 * time.Hour
	for value, want := range map[string]time.Duration{
		"1": day, "30": 30 * day, "36500": 36500 * day, "0": 10 * day, "-3": 10 * day, "": 10 * day, "7d": 10 * day, "36501": 10 * day, "99999999999": 10 * day,
	} {
		if got := p.Settings(map[string]string{minimumValidity: value}).CertificateBlockAge; got != want {
			t.Errorf("%q: got %s, want %s", value, got, want)
		}
	}
	if got := p.Settings(nil).CertificateBlockAge; got != 10*day {
		t.Errorf("without the annotation: got %s", got)
	}
}

func TestNearestWords(t *testing.T) {
	for word, want := range map[string][]string{
		"paused-vm": {"paused-vms"}, "paused": {"paused-vms"}, "disk_space": {"disk-space"}, "replicas": {"faulted-replicas"}, "zzz": nil, "": nil,
		strings.Repeat("x", 5000): nil,
	} {
		if diff := cmp.Diff(want, Nearest(word, known())); diff != "" {
			t.Errorf("%.20s (-want +got):\n%s", word, diff)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(head + "checks: {paused-vms: {enforcement: off}}\n"))
	f.Add([]byte(head + "thresholds: {diskHeadroom: 1e400, snapshotMargin: 5}\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		p, err := parse("p", content, known())
		if (p == nil) == (err == nil) {
			t.Fatalf("policy %v, error %v", p, err)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "p:") {
			t.Fatalf("the error names no line: %v", err)
		}
	})
}
