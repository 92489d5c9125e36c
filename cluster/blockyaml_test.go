package cluster

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shortForms are objects that take the short way, and longForms those that must not.
func shortForms() []string {
	return []string{
		"  apiVersion: v1\n  kind: Node\n",
		"a: null\nb: \"null\"\nc: x\n",
		"a:\n- 1\n- \"null\"\n- null\n- b: c\n  d:\n  - - x\n    - z\n  -\ne: {}\nf: []\n",
		"  a: 1.073741824e+09\n  b: -5\n  c: 1e+06\n  d: 9.223372036854776e+18\n  e: 0.5\n",
		"a: |\n  one\n\n   two \n  # three\nb: |-\n  x: y\nc: 'it''s'\nd: \"say \\\"hi\\\"null\"\ne: \"a\\tb\\n\\\\\"\n",
		"a: 10.52.0.9:10000\nb: 0b5a6b71-3c55\nc: 128Mi\nd: 2026y\ne: \"2026-11-20T09:12:00Z\"\nf: /var/lib\ng: xé ü\n",
		"a: '{\"x\":\"null\",\"y\":1}'\n'k:{\"a\"}': 1\n\"true\": 2\n",
		"a:\n  b:\n    c:\n      - d\n      - e: f\n  g:\nh:\n",
	}
}

func longForms() []string {
	return []string{
		"a: yes\n", "a: 2026-11-20\n", "a: 0x1f\n", "a: 1_000\n", "a: 017\n", "a: .5\n", "a: ~\n", "a: True\n", "1: a\n", "true: a\n",
		"a: &x b\nc: *x\n", "a: !!str 1\n", "a: {b: c}\n", "a: [b]\n", "a: >\n  b\n", "a: |+\n  b\n\n", "a: |2\n   b\n", "a: b\n  c\n", "a: \"b\n  c\"\n",
		"a: b # c\n", "# c\na: b\n", "a: b\na: c\n", "a:\tb\n", "a: \"\\x41\"\n", "a: |\n\n  b\n", "? a\n: b\n", "- a\n", "a\n", "a: b\r\n", "a: b",
		"a: b: c\n", "a: 'b\n", "a:\n b: c\n  d: e\n", "a:\n  b: c\n d: e\n", "a:\n- b\n  c\n", "{a: b}\n", "", "a: |\nb: c\n",
	}
}

func TestTheShortWayFromYAMLToJSONSaysWhatTheLibrarySays(t *testing.T) {
	for _, text := range shortForms() {
		if short, ok := blockToJSON([]byte(text), nil); !ok {
			t.Errorf("the short way is not taken for\n%s", text)
		} else {
			compareWays(t, text, short)
		}
	}
	for _, text := range longForms() {
		if short, ok := blockToJSON([]byte(text), nil); ok {
			t.Errorf("the short way is taken for %q, with %s", text, short)
		}
	}
}

func compareWays(t *testing.T, text string, short []byte) {
	t.Helper()
	long, err := kitJSONByLibrary([]byte(text))
	if err != nil {
		t.Fatalf("the short way gives %s, and the library says %v, for\n%q", short, err, text)
	}
	var got, want any
	if err := json.Unmarshal(short, &got); err != nil {
		t.Fatalf("%v: %s", err, short)
	}
	if err := json.Unmarshal(long, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the short way differs from the library (-library +short):\n%s\nfor\n%q", diff, text)
	}
}

func FuzzShortWay(f *testing.F) {
	for _, text := range append(shortForms(), longForms()...) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if short, ok := blockToJSON([]byte(text), nil); ok {
			compareWays(t, text, short)
		}
	})
}
