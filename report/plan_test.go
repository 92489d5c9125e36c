package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/drain"
)

// render writes a plan in one form.
func render(t *testing.T, write func(io.Writer, Plan) error, p Plan) string {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out, p); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestAPlanInEveryForm(t *testing.T) {
	for name, plan := range map[string]func(*testing.T) Plan{"plan-small": smallPlan, "plan-stuck": stuckPlan} {
		t.Run(name, func(t *testing.T) {
			p := plan(t)
			golden(t, name+".text.txt", []byte(render(t, planAsText, p)))
			golden(t, name+".json", []byte(render(t, WritePlanJSON, p)))
			golden(t, name+".svg", []byte(render(t, WritePlanSVG, p)))
		})
	}
}

func TestAPlanAsYAMLIsTheSameObject(t *testing.T) {
	p := smallPlan(t)
	object, err := yaml.YAMLToJSON([]byte(render(t, WritePlanYAML, p)))
	if err != nil {
		t.Fatal(err)
	}
	var fromYAML, fromJSON any
	if err := errors.Join(json.Unmarshal(object, &fromYAML), json.Unmarshal([]byte(render(t, WritePlanJSON, p)), &fromJSON)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fromJSON, fromYAML); diff != "" {
		t.Errorf("-json +yaml:\n%s", diff)
	}
}

func TestNoListOfAPlanIsNull(t *testing.T) {
	p := NewPlan(PlanInput{Snapshot: snapshot(t), Simulated: drain.Plan{Nodes: []drain.NodePlan{{Node: "node-1", Stops: []drain.Stop{{}}}}}})
	for _, write := range []func(io.Writer, Plan) error{WritePlanJSON, WritePlanYAML} {
		if text := render(t, write, p); strings.Contains(text, "null") {
			t.Errorf("a list is null:\n%s", text)
		}
	}
}

func TestOutcomeOfAPlan(t *testing.T) {
	fine := drain.NodePlan{Node: "node-1", Position: 1, Of: 1}
	hangs := fine
	hangs.Stops = []drain.Stop{{State: drain.PreDrained, Confidence: drain.Possible}}
	for name, c := range map[string]struct {
		plan     drain.Plan
		complete bool
		want     PlanOutcome
	}{
		"nothing to hang on passes":                        {drain.Plan{Nodes: []drain.NodePlan{fine}}, true, Passes},
		"one possible stop hangs":                          {drain.Plan{Nodes: []drain.NodePlan{hangs}}, true, Hangs},
		"a stop before the first node hangs":               {drain.Plan{Nodes: []drain.NodePlan{fine}, Before: hangs.Stops}, true, Hangs},
		"a stop hangs although not everything is known":    {drain.Plan{Nodes: []drain.NodePlan{hangs}, Unknown: []drain.Unknown{{Because: "x"}}}, true, Hangs},
		"what could not be simulated is unknown":           {drain.Plan{Nodes: []drain.NodePlan{fine}, Unknown: []drain.Unknown{{Because: "x"}}}, true, Untold},
		"evidence that could not be read is unknown":       {drain.Plan{Nodes: []drain.NodePlan{fine}}, false, Untold},
		"a cluster without nodes is unknown, not harmless": {drain.Plan{}, true, Untold},
	} {
		t.Run(name, func(t *testing.T) {
			s := snapshot(t)
			if !c.complete {
				files := fstest.MapFS{"node.yaml": {Data: []byte("apiVersion: v1\nkind: Node\nmetadata: {name: node-1}\n")}}
				folder, err := cluster.ReadFS(files, "a sample", cluster.FolderOptions{})
				if err != nil {
					t.Fatal(err)
				}
				s = cluster.Load(t.Context(), folder, now)
			}
			if got := NewPlan(PlanInput{Snapshot: s, Simulated: c.plan}); got.Outcome != c.want {
				t.Errorf("got %s with unknown %v, want %s", got.Outcome, got.Unknown, c.want)
			}
		})
	}
}

func TestAPlanOfOneNodeSaysThatItIsNotDrained(t *testing.T) {
	p := NewPlan(PlanInput{Snapshot: snapshot(t), Image: "harvester-system/iso", Simulated: drain.Plan{
		SingleNode: true, Orders: 1, Time: minutes(20, 60),
		Nodes: []drain.NodePlan{{Node: "node-1", Position: 1, Of: 1, Tier: "etcd", Time: minutes(20, 60),
			ShutDowns: []drain.ShutDown{{Namespace: "shop", Name: "db-1", Because: "there is no other node", Confidence: drain.Certain}}}},
	}})
	text := strings.Join(strings.Fields(render(t, planAsText, p)), " ")
	for _, want := range []string{
		"PASSES: nothing was found that an upgrade from image harvester-system/iso (from v1.4.1) would hang on.",
		"Its only node, node-1, is not drained: its VMs are shut down. It takes 20 to 60 minutes if nothing hangs.",
		"the rules are those of the newest release",
		"node-1 (the only node): 1 VM is shut down, 20 to 60 minutes. SHUT DOWN shop/db-1 (certain): there is no other node.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the text does not say %q:\n%s", want, text)
		}
	}
}

func TestATextPlanIsNarrowAndBoundedWhateverTheClusterHolds(t *testing.T) {
	text := render(t, planAsText, hostilePlan(t))
	for _, block := range strings.Split(text, "\n\n") {
		if lines := strings.Count(block, "\n") + 1; lines > 80 {
			t.Errorf("a block has %d lines:\n%s", lines, block)
		}
	}
	for line := range strings.Lines(text) {
		if utf8.RuneCountInString(line) > columns+1 && len(strings.Fields(line)) > 1 {
			t.Errorf("a line has %d characters: %s", utf8.RuneCountInString(line), line)
		}
		if strings.ContainsAny(line, "\x1b\u2028") {
			t.Errorf("a line holds a control character: %q", line)
		}
	}
}

func TestAPictureIsWellFormedAndStaysInItsFrame(t *testing.T) {
	for name, p := range map[string]Plan{
		"hostile": hostilePlan(t), "small": smallPlan(t), "stuck": stuckPlan(t), "empty": NewPlan(PlanInput{Snapshot: snapshot(t)}),
	} {
		t.Run(name, func(t *testing.T) {
			picture := render(t, WritePlanSVG, p)
			if again := render(t, WritePlanSVG, p); again != picture {
				t.Error("the same plan gives other bytes")
			}
			elements := map[string]int{}
			decoder := xml.NewDecoder(strings.NewReader(picture))
			for {
				token, err := decoder.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				start, ok := token.(xml.StartElement)
				if !ok {
					continue
				}
				elements[start.Name.Local]++
				for _, attribute := range start.Attr {
					inFrame(t, start.Name.Local, attribute)
				}
			}
			if elements["script"] > 0 || elements["svg"] != 1 || elements["desc"] != 1 || elements["title"] == 0 {
				t.Errorf("elements are %v", elements)
			}
			if len(picture) > 2<<20 {
				t.Errorf("the picture has %d bytes", len(picture))
			}
		})
	}
}

// inFrame tells of a coordinate that is outside of the picture.
func inFrame(t *testing.T, element string, attribute xml.Attr) {
	t.Helper()
	switch attribute.Name.Local {
	case "x", "x1", "x2", "cx":
		if x, err := strconv.ParseFloat(attribute.Value, 64); err != nil || x < 0 || x > pictureWidth {
			t.Errorf("%s has %s=%q", element, attribute.Name.Local, attribute.Value)
		}
	case "y", "y1", "y2", "cy", "width", "height":
		if y, err := strconv.ParseFloat(attribute.Value, 64); err != nil || y < 0 {
			t.Errorf("%s has %s=%q", element, attribute.Name.Local, attribute.Value)
		}
	}
}

func TestATextIsCutToItsRoom(t *testing.T) {
	for _, text := range []string{"short", "the budget of instance-manager-1 cannot go because of an engine", strings.Repeat("m", 253), "名前 " + strings.Repeat("長", 90)} {
		for _, width := range []float64{30, 80, 300} {
			if got := fitted(text, 11, width); textWidth(got, 11) > width {
				t.Errorf("%q is %f wide, more than %f", got, textWidth(got, 11), width)
			}
		}
	}
}

func TestTimesInWords(t *testing.T) {
	for want, span := range map[string]Span{
		"15 to 70 minutes":                     {15 * 60, 70 * 60},
		"1 minute":                             {60, 60},
		"43 minutes to 4 hours 40 minutes":     {43 * 60, 280 * 60},
		"2 hours to 2 hours 1 minute":          {7200, 7260},
		"25 hours 59 minutes to 2 days 1 hour": {93540, 49 * 3600},
	} {
		if got := span.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func planAsText(w io.Writer, p Plan) error { return WritePlanText(w, p, Style{}) }
