package main

import (
	"io"
	"strings"

	"github.com/upgrade-gate/upgrade-gate/report"
)

// form is one in which a result is printed.
type form[T any] struct {
	name  string
	write func(io.Writer, T, report.Style) error
}

// forms are those that -o of a command knows.
type forms[T any] []form[T]

// names lists the forms, for people: "text, json or yaml".
func (all forms[T]) names() string {
	names := all.each()
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// each returns the name of each form.
func (all forms[T]) each() []string {
	var names []string
	for _, form := range all {
		names = append(names, form.name)
	}
	return names
}

// find returns the form of a name; false where there is none.
func (all forms[T]) find(name string) (form[T], bool) {
	for _, form := range all {
		if form.name == name {
			return form, true
		}
	}
	return form[T]{}, false
}
