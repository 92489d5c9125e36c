package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/upgrade-gate/upgrade-gate/checks"
)

const (
	skipAll      = "harvesterhci.io/skipWebhook"
	skipImageGC  = "harvesterhci.io/skipGarbageCollectionThresholdCheck"
	skipDetached = "harvesterhci.io/skipSingleReplicaDetachedVol"

	minimumValidity = "harvesterhci.io/minCertsExpirationInDay"
)

func check(name string, waivable bool) checks.Check {
	return checks.Check{Name: name, Severity: checks.Block, Waivable: waivable}
}

func failed(c checks.Check, rules ...string) checks.Result {
	result := checks.Result{Check: c, Outcome: checks.Failed}
	for _, rule := range rules {
		result.Findings = append(result.Findings, checks.Finding{Rule: rule, Severity: c.Severity, Message: "wrong"})
	}
	return result
}

func unknown(c checks.Check) checks.Result {
	return checks.Result{Check: c, Outcome: checks.Unknown, Because: "unread"}
}

func withGap(result checks.Result) checks.Result {
	result.Gaps = []checks.Gap{{Because: "no conditions"}}
	return result
}

func mild(result checks.Result) checks.Result {
	for i := range result.Findings {
		result.Findings[i].Severity = checks.Warn
	}
	return result
}

func TestVerdict(t *testing.T) {
	paused, faulted, disk := check("paused-vms", true), check("faulted-replicas", false), check("disk-space", true)
	advice := checks.Check{Name: "advice", Severity: checks.Warn, Waivable: true}
	all := map[string]string{skipAll: "true"}
	for name, c := range map[string]struct {
		results     []checks.Result
		annotations map[string]string
		enforcement map[string]Enforcement
		want        Verdict
	}{
		"nothing is wrong":                                    {results: []checks.Result{{Check: paused, Outcome: checks.Passed}}, want: Ready},
		"a blocking finding blocks":                           {results: []checks.Result{failed(paused, "")}, want: Blocked},
		"a milder finding of a blocking check warns":          {results: []checks.Result{mild(failed(paused, ""))}, want: Ready},
		"a warning check never blocks":                        {results: []checks.Result{failed(advice, "")}, want: Ready},
		"a skipped check does not refuse":                     {results: []checks.Result{{Check: paused, Outcome: checks.Skipped}}, want: Ready},
		"an unread blocking check leaves it open":             {results: []checks.Result{unknown(paused)}, want: Incomplete},
		"an unread warning check does not":                    {results: []checks.Result{unknown(advice)}, want: Ready},
		"a finding outweighs what is unread":                  {results: []checks.Result{unknown(disk), failed(paused, "")}, want: Blocked},
		"a finding outweighs what is unread after it":         {results: []checks.Result{failed(paused, ""), unknown(disk)}, want: Blocked},
		"gaps beside mild findings leave it open":             {results: []checks.Result{withGap(mild(failed(paused, "")))}, want: Incomplete},
		"the policy only warns of findings":                   {results: []checks.Result{failed(paused, "")}, enforcement: map[string]Enforcement{"paused-vms": Warn}, want: Ready},
		"the policy only warns of what is unread":             {results: []checks.Result{unknown(paused)}, enforcement: map[string]Enforcement{"paused-vms": Warn}, want: Ready},
		"the policy may soften a check without waiver":        {results: []checks.Result{failed(faulted, "")}, enforcement: map[string]Enforcement{"faulted-replicas": Warn}, want: Ready},
		"the policy switches a check off":                     {results: []checks.Result{failed(paused, "")}, enforcement: map[string]Enforcement{"paused-vms": Off}, want: Ready},
		"skipWebhook waives findings":                         {results: []checks.Result{failed(paused, "", "x")}, annotations: all, want: Ready},
		"skipWebhook waives what is unread":                   {results: []checks.Result{unknown(paused)}, annotations: all, want: Ready},
		"skipWebhook is read without regard to case":          {results: []checks.Result{failed(paused, "")}, annotations: map[string]string{skipAll: "True"}, want: Ready},
		"skipWebhook counts by value":                         {results: []checks.Result{failed(paused, "")}, annotations: map[string]string{skipAll: "1"}, want: Blocked},
		"skipWebhook does not waive what cannot be waived":    {results: []checks.Result{failed(faulted, "")}, annotations: all, want: Blocked},
		"nor its unread evidence":                             {results: []checks.Result{unknown(faulted)}, annotations: all, want: Incomplete},
		"skipping the image GC threshold waives its rule":     {results: []checks.Result{failed(disk, "image-gc-threshold")}, annotations: map[string]string{skipImageGC: "1"}, want: Ready},
		"and no other rule of disk space":                     {results: []checks.Result{failed(disk, "image-gc-threshold", "minimum-free")}, annotations: map[string]string{skipImageGC: "true"}, want: Blocked},
		"nor what is unread of it":                            {results: []checks.Result{withGap(failed(disk, "image-gc-threshold"))}, annotations: map[string]string{skipImageGC: "true"}, want: Incomplete},
		"a value that is no boolean waives nothing":           {results: []checks.Result{failed(disk, "image-gc-threshold")}, annotations: map[string]string{skipImageGC: "yes"}, want: Blocked},
		"false does not skip detached single replica volumes": {results: []checks.Result{failed(check("single-replica-volumes", true), "detached")}, annotations: map[string]string{skipDetached: "false"}, want: Blocked},
		"another threshold waives no finding":                 {results: []checks.Result{failed(check("expiring-certificates", true), "kubelet", "")}, annotations: map[string]string{minimumValidity: "3"}, want: Blocked},
		"nor what is unread":                                  {results: []checks.Result{unknown(check("expiring-certificates", true))}, annotations: map[string]string{minimumValidity: "3"}, want: Incomplete},
		"true does":                                           {results: []checks.Result{failed(check("single-replica-volumes", true), "detached")}, annotations: map[string]string{skipDetached: "true"}, want: Ready},
	} {
		t.Run(name, func(t *testing.T) {
			p := &Policy{enforcement: c.enforcement}
			if got := p.Decide(c.results, c.annotations).Verdict; got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestWaiversAreShownWithEffectOrWithout(t *testing.T) {
	paused, faulted, disk := check("paused-vms", true), check("faulted-replicas", false), check("disk-space", true)
	cannot := "faulted-replicas cannot be waived: to go on would lose data or could never succeed"
	for name, c := range map[string]struct {
		results     []checks.Result
		annotations map[string]string
		want        []Waiver
	}{
		"one for each check that it concerns": {
			[]checks.Result{failed(paused, ""), failed(faulted, "", ""), unknown(disk), {Check: check("nodes-unready", true), Outcome: checks.Passed}},
			map[string]string{skipAll: "true"},
			[]Waiver{
				{Check: "paused-vms", By: "annotation harvesterhci.io/skipWebhook=true"},
				{Check: "faulted-replicas", By: "annotation harvesterhci.io/skipWebhook=true", Refused: cannot},
				{Check: "disk-space", By: "annotation harvesterhci.io/skipWebhook=true"},
			}},
		"one that nothing called for": {
			[]checks.Result{{Check: paused, Outcome: checks.Passed}}, map[string]string{skipAll: "TRUE"},
			[]Waiver{{By: "annotation harvesterhci.io/skipWebhook=TRUE"}}},
		"a rule that found nothing": {
			[]checks.Result{{Check: disk, Outcome: checks.Passed}}, map[string]string{skipImageGC: "true"},
			[]Waiver{{Check: "disk-space", Rule: "image-gc-threshold", By: "annotation harvesterhci.io/skipGarbageCollectionThresholdCheck=true"}}},
		"a value that cannot be understood": {
			[]checks.Result{failed(disk, "image-gc-threshold")}, map[string]string{skipImageGC: ""},
			[]Waiver{{Check: "disk-space", Rule: "image-gc-threshold", By: "annotation harvesterhci.io/skipGarbageCollectionThresholdCheck=",
				Refused: `its value "" is neither true nor false`}}},
		"another threshold for certificates": {
			[]checks.Result{failed(check("expiring-certificates", true), "kubelet")}, map[string]string{minimumValidity: "3"},
			[]Waiver{{Check: "expiring-certificates", Rule: "minimum-validity", By: "annotation harvesterhci.io/minCertsExpirationInDay=3"}}},
		"a threshold that is no number of days": {
			[]checks.Result{{Check: check("expiring-certificates", true), Outcome: checks.Passed}}, map[string]string{minimumValidity: "a week"},
			[]Waiver{{Check: "expiring-certificates", Rule: "minimum-validity", By: "annotation harvesterhci.io/minCertsExpirationInDay=a week",
				Refused: `its value "a week" is no number of days from 1 to 36500`}}},
		"none for a check that does not exist":      {[]checks.Result{failed(paused, "")}, map[string]string{skipDetached: "true"}, nil},
		"none for a wish that says false":           {[]checks.Result{failed(disk, "")}, map[string]string{skipImageGC: "false", skipAll: "false"}, nil},
		"none without annotations":                  {[]checks.Result{failed(disk, "")}, nil, nil},
		"a stranger's value is cut to what matters": {[]checks.Result{{Check: paused}}, map[string]string{skipAll: "true\n"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, Default().Decide(c.results, c.annotations).Waivers); diff != "" {
				t.Errorf("waivers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestACheckKeepsWhatWasWaivedAsAWarning(t *testing.T) {
	result := failed(check("disk-space", true), "image-gc-threshold", "minimum-free")
	got := Default().Decide([]checks.Result{result}, map[string]string{skipImageGC: "true"}).Checks[0]
	want := Decided{
		Result: result, Enforcement: Block, Blocking: result.Findings[1:], Warning: result.Findings[:1],
		Waivers: []Waiver{{Check: "disk-space", Rule: "image-gc-threshold", By: "annotation harvesterhci.io/skipGarbageCollectionThresholdCheck=true"}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(checks.Check{}, "Run")); diff != "" {
		t.Errorf("decided (-want +got):\n%s", diff)
	}
}

func TestACheckThatIsOffIsSkippedWithoutItsFindings(t *testing.T) {
	p := &Policy{enforcement: map[string]Enforcement{"paused-vms": Off}}
	c := check("paused-vms", true)
	got := p.Decide([]checks.Result{withGap(failed(c, ""))}, nil).Checks[0]
	want := Decided{Result: checks.Result{Check: c, Outcome: checks.Skipped, Because: "switched off by the policy"}, Enforcement: Off}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(checks.Check{}, "Run")); diff != "" {
		t.Errorf("decided (-want +got):\n%s", diff)
	}
}
