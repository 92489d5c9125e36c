// Package leftout decides what becomes of tests that a machine cannot run, for it has no browser, or its user is not root. They are left
// out, and it is said why. Where the environment variable CI is set to anything, nobody reads that, and everything that the tests need has to
// be there: they fail.
package leftout

import (
	"fmt"
	"io"
	"os"
	"testing"
)

// Test ends a test that cannot be run: it is skipped, or fails where CI is set. It does not return.
func Test(t testing.TB, because error) {
	t.Helper()
	if strict() {
		t.Fatal(refused(because))
	}
	t.Skip(because)
}

// Binary says why none of a test binary's tests can be run, and returns the code that the binary ends with: 0, or 1 where CI is set.
func Binary(out io.Writer, because error) (code int) {
	if strict() {
		fmt.Fprintln(out, refused(because))
		return 1
	}
	fmt.Fprintln(out, "left out:", because)
	return 0
}

func strict() bool { return os.Getenv("CI") != "" }

func refused(because error) error {
	return fmt.Errorf("nothing may be left out where CI is set: %w", because)
}
