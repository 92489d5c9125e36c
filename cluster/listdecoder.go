package cluster

import (
	"errors"
	"fmt"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/json"
)

const (
	// firstBuffer holds most objects whole; the buffer grows to the largest one.
	firstBuffer = 64 << 10
	// maxObject bounds an object in a list; etcd keeps none that is larger than a few MiB.
	maxObject = 16 << 20
)

// listDecoder takes a list in JSON apart while it arrives, object by object. The client's own decoder waits for the whole
// list, goes over its bytes four times, and decodes managed fields, which are half of them and which nobody reads: that took
// three times as long.
type listDecoder struct {
	from io.Reader
	// buffer[start:end] has been received and not been used yet.
	buffer     []byte
	start, end int
}

// decode calls item with each object of the list, and with the metadata in it, both without the managed fields. item must not keep the bytes.
func (d *listDecoder) decode(item func(object, metadata []byte) error) (metav1.ListMeta, error) {
	var meta metav1.ListMeta
	if err := d.expect('{'); err != nil {
		return meta, err
	}
	isList := false
	for {
		more, err := d.next('}')
		if err != nil {
			return meta, err
		}
		if !more {
			break
		}
		key, _, err := d.value()
		if err != nil {
			return meta, err
		}
		name := string(key)
		if err := d.expect(':'); err != nil {
			return meta, err
		}
		switch name {
		case `"items"`:
			isList = true
			err = d.items(item)
		case `"metadata"`:
			var text []byte
			if text, _, err = d.value(); err == nil {
				err = json.Unmarshal(text, &meta)
			}
		default:
			_, _, err = d.value()
		}
		if err != nil {
			return meta, err
		}
	}
	if !isList {
		return meta, errors.New("the answer is no list")
	}
	return meta, nil
}

// items calls item with each element of an array; null is an empty one.
func (d *listDecoder) items(item func(object, metadata []byte) error) error {
	first, err := d.peek()
	if err != nil {
		return err
	}
	if first != '[' {
		text, _, err := d.value()
		if err == nil && string(text) != "null" {
			err = fmt.Errorf("items are %.20s and not a list", text)
		}
		return err
	}
	d.start++
	for {
		more, err := d.next(']')
		if err != nil || !more {
			return err
		}
		object, metadata, err := d.value()
		if err != nil {
			return err
		}
		if err := item(object, metadata); err != nil {
			return err
		}
	}
}

// next skips a comma and tells whether something follows; false once the end has been passed.
func (d *listDecoder) next(end byte) (bool, error) {
	for {
		c, err := d.peek()
		switch {
		case err != nil:
			return false, err
		case c == end:
			d.start++
			return false, nil
		case c != ',':
			return true, nil
		}
		d.start++
	}
}

func (d *listDecoder) expect(want byte) error {
	got, err := d.peek()
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("the answer is no list: %q in the place of %q", got, want)
	}
	d.start++
	return nil
}

// peek returns the next byte that is no space.
func (d *listDecoder) peek() (byte, error) {
	for {
		for ; d.start < d.end; d.start++ {
			if c := d.buffer[d.start]; !isSpace(c) {
				return c, nil
			}
		}
		if err := d.more(); err != nil {
			return 0, err
		}
	}
}

// value returns the JSON value that is next, without an object's managed fields, and the object's metadata in it. It finds the value's end; whether it is
// well-formed is for its decoder to say. The bytes are valid until the next call.
func (d *listDecoder) value() (value, metadata []byte, err error) {
	if _, err := d.peek(); err != nil {
		return nil, nil, err
	}
	var scan valueScan
	for !scan.advance(d.buffer[d.start:d.end]) {
		if err := d.more(); err != nil {
			return nil, nil, err
		}
	}
	whole := d.buffer[d.start : d.start+scan.at]
	d.start += scan.at
	value = scan.cut(whole)
	return value, scan.metadataOf(value, len(whole)-len(value)), nil
}

// more receives more bytes, and makes room for them where there is none.
func (d *listDecoder) more() error {
	switch {
	case d.buffer == nil:
		d.buffer = make([]byte, firstBuffer)
	case d.start > 0:
		d.end = copy(d.buffer, d.buffer[d.start:d.end])
		d.start = 0
	case d.end == len(d.buffer) && d.end >= maxObject:
		return fmt.Errorf("an object is larger than %d MiB", maxObject>>20)
	case d.end == len(d.buffer):
		d.buffer = append(d.buffer, make([]byte, len(d.buffer))...)
	}
	for range maxEmptyReads {
		n, err := d.from.Read(d.buffer[d.end:])
		d.end += n
		switch {
		case n > 0:
			return nil
		case errors.Is(err, io.EOF):
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		}
	}
	return io.ErrNoProgress
}

// maxEmptyReads is how many times a reader may return nothing at all before it counts as broken.
const maxEmptyReads = 100
