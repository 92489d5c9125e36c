package cluster

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func decodeList(text string, atOnce bool) (items []string, version, next string, err error) {
	decoder := listDecoder{from: strings.NewReader(text)}
	if !atOnce {
		decoder.from = iotest.OneByteReader(decoder.from)
	}
	meta, err := decoder.decode(func(item, _ []byte) error {
		items = append(items, string(item))
		return nil
	})
	return items, meta.ResourceVersion, meta.Continue, err
}

func TestAListIsTakenApart(t *testing.T) {
	for name, test := range map[string]struct {
		text, next string
		want       []string
	}{
		"metadata first, as Kubernetes' own kinds come": {
			`{"kind":"NodeList","apiVersion":"v1","metadata":{"resourceVersion":"7","continue":"more"},"items":[{"a":1},{"b":[2,3]}]}`, "more",
			[]string{`{"a":1}`, `{"b":[2,3]}`},
		},
		"metadata last, as custom resources come": {
			`{"apiVersion":"longhorn.io/v1beta2","items":[{"a":1}],"kind":"List","metadata":{"resourceVersion":"7"}}`, "", []string{`{"a":1}`},
		},
		"no items":         {`{"metadata":{"resourceVersion":"7"},"items":[]}`, "", nil},
		"items are null":   {`{"metadata":{"resourceVersion":"7"},"items":null}`, "", nil},
		"unknown fields":   {`{"x":null,"y":-1.5e3,"z":true,"s":"}]","metadata":{"resourceVersion":"7"},"items":[]}`, "", nil},
		"spaces":           {"\n{ \"metadata\" : { \"resourceVersion\" : \"7\" } ,\n\t\"items\" : [ { \"a\" : 1 } , {} ] }\n", "", []string{`{ "a" : 1 }`, `{}`}},
		"escapes in texts": {`{"metadata":{"resourceVersion":"7"},"items":[{"a":"\\\"}]\\","b":"\\"},{"é":"\u0022"}]}`, "", []string{`{"a":"\\\"}]\\","b":"\\"}`, `{"é":"\u0022"}`}},
		"managed fields in the middle": {
			`{"metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"a","managedFields":[{"fieldsV1":{"f:x":{}}}],"uid":"u"},"spec":{}}]}`, "",
			[]string{`{"metadata":{"name":"a","uid":"u"},"spec":{}}`},
		},
		"managed fields first": {
			`{"metadata":{"resourceVersion":"7"},"items":[{"spec":{},"metadata":{"managedFields":[{}],"uid":"u"}}]}`, "",
			[]string{`{"spec":{},"metadata":{"uid":"u"}}`},
		},
		"managed fields last": {
			`{"metadata":{"resourceVersion":"7"},"items":[{"metadata":{"uid":"u" , "managedFields" : [{}] }}]}`, "",
			[]string{`{"metadata":{"uid":"u" }}`},
		},
		"managed fields alone": {
			`{"metadata":{"resourceVersion":"7"},"items":[{"metadata":{"managedFields":[{}]}}]}`, "", []string{`{"metadata":{}}`},
		},
		"what only looks like managed fields": {
			`{"metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"managedFields","labels":{"managedFields":"x"}},"spec":{"managedFields":1,"metadata":{"managedFields":2}}}]}`, "",
			[]string{`{"metadata":{"name":"managedFields","labels":{"managedFields":"x"}},"spec":{"managedFields":1,"metadata":{"managedFields":2}}}`},
		},
		"the text metadata is no key": {
			`{"metadata":{"resourceVersion":"7"},"items":[{"kind":"metadata","spec":{"managedFields":1}}]}`, "", []string{`{"kind":"metadata","spec":{"managedFields":1}}`},
		},
	} {
		for _, atOnce := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				items, version, next, err := decodeList(test.text, atOnce)
				if err != nil || version != "7" || next != test.next {
					t.Errorf("version %q, next %q, error %v; want 7, %q, none", version, next, err, test.next)
				}
				if diff := cmp.Diff(test.want, items); diff != "" {
					t.Errorf("items, at once %t (-want +got):\n%s", atOnce, diff)
				}
			})
		}
	}
}

func TestWhatIsNoListIsAnError(t *testing.T) {
	for _, text := range []string{``, `null`, `[]`, `"x"`, `{}`, `{"kind":"Status","metadata":{}}`, `{"items":{}}`, `{"items":"x"}`, `{"items":[{}`, `{"items":[{}]`, `{"items":[],"metadata":"x"}`, `{"items" []}`} {
		if items, _, _, err := decodeList(text, true); err == nil {
			t.Errorf("%s: no error, items %v", text, items)
		}
	}
}

func TestAnObjectLargerThanTheBufferIsWhole(t *testing.T) {
	large := `{"a":"` + strings.Repeat("x", 5*firstBuffer) + `"}`
	items, _, _, err := decodeList(`{"items":[{},`+large+`,{}]}`, true)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`{}`, large, `{}`}, items); diff != "" {
		t.Error(diff)
	}
	if _, _, _, err := decodeList(`{"items":[{"a":"`+strings.Repeat("x", maxObject+1)+`"}]}`, true); err == nil {
		t.Error("an object without bounds is no error")
	}
}

// FuzzListDecoder compares with the decoder of the standard library, on objects that it can read.
func FuzzListDecoder(f *testing.F) {
	f.Add(`{"metadata":{"managedFields":[{"a":"\"]}"}],"name":"x"},"managedFields":1}`)
	f.Add(`[1,"a",{"metadata":{"managedFields":0}}]`)
	f.Add(`{"metadata":{"name":"a","managedFields":[]},"metadata":{"name":"b"}}`)
	f.Add(`{"metadata":7,"spec":{"metadata":{"managedFields":1}},"metadata" : {"a":"}"} }`)
	f.Fuzz(func(t *testing.T, object string) {
		var value any
		if json.Unmarshal([]byte(object), &value) != nil {
			return
		}
		checkMetadata(t, object)
		items, _, _, err := decodeList(`{"items":[`+object+`,{}]}`, true)
		if err != nil || len(items) != 2 {
			t.Fatalf("%q: items %q, error %v", object, items, err)
		}
		var got any
		if err := json.Unmarshal([]byte(items[0]), &got); err != nil {
			t.Fatalf("%q became %q: %v", object, items[0], err)
		}
		if whole, ok := value.(map[string]any); ok {
			if metadata, ok := whole["metadata"].(map[string]any); ok && strings.Count(object, "metadata") == 1 && strings.Count(object, "managedFields") == 1 {
				delete(metadata, "managedFields")
			} else if strings.Contains(object, "managed") || strings.Contains(object, `\u`) {
				return // keys twice over, or written with escapes: both forms are right
			}
		}
		if diff := cmp.Diff(value, got); diff != "" {
			t.Errorf("%q became %q: %s", object, items[0], diff)
		}
	})
}

// checkMetadata demands that what is told of an object's metadata is what the standard library finds in what is told of the object.
func checkMetadata(t *testing.T, object string) {
	t.Helper()
	if strings.Contains(object, `\u`) {
		return // the standard library takes a key with escapes for the same
	}
	decoder := listDecoder{from: strings.NewReader(`{"items":[` + object + `]}`)}
	_, _ = decoder.decode(func(text, metadata []byte) error {
		var whole map[string]any
		if len(metadata) == 0 || json.Unmarshal(text, &whole) != nil {
			return nil
		}
		var got any
		if err := json.Unmarshal(metadata, &got); err != nil {
			t.Errorf("%q has the metadata %q: %v", object, metadata, err)
		}
		if diff := cmp.Diff(whole["metadata"], got); diff != "" {
			t.Errorf("%q has the metadata %q: %s", object, metadata, diff)
		}
		return nil
	})
}
