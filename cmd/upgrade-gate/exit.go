package main

import "fmt"

// Exit codes beside 0; scripts depend on them.
const (
	exitFailure    = 1
	exitBlocked    = 2
	exitIncomplete = 3
)

// exitCode ends the program with a code and without a message: the output has said everything.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }
