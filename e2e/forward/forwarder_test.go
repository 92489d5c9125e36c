package forward_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/upgrade-gate/upgrade-gate/e2e/forward"
)

// patience bounds what should happen at once; soon is how long a test watches that nothing happens.
const (
	patience = 10 * time.Second
	soon     = 50 * time.Millisecond
)

// echo starts a backend that repeats every line after its name.
func echo(t *testing.T, name string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				lines := bufio.NewScanner(connection)
				for lines.Scan() {
					fmt.Fprintf(connection, "%s %s\n", name, lines.Text())
				}
				fmt.Fprintf(connection, "%s bye\n", name)
			}()
		}
	}()
	return listener.Addr().String()
}

func start(t *testing.T, options forward.Options) *forward.Forwarder {
	t.Helper()
	forwarder, err := forward.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := forwarder.Close(); err != nil {
			t.Error(err)
		}
	})
	return forwarder
}

// client is one connection through the forwarder.
type client struct {
	net.Conn
	t     *testing.T
	lines *bufio.Reader
}

func dial(t *testing.T, forwarder *forward.Forwarder) *client {
	t.Helper()
	connection, err := net.DialTimeout("tcp", forwarder.Address(), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	return &client{connection, t, bufio.NewReader(connection)}
}

func (c *client) say(line string) {
	c.t.Helper()
	if _, err := fmt.Fprintln(c, line); err != nil {
		c.t.Fatal(err)
	}
}

// hear returns the next line that arrives within the time.
func (c *client) hear(within time.Duration) (string, error) {
	if err := c.SetReadDeadline(time.Now().Add(within)); err != nil {
		return "", err
	}
	line, err := c.lines.ReadString('\n')
	return strings.TrimSpace(line), err
}

func (c *client) wantLine(want string) {
	c.t.Helper()
	if got, err := c.hear(patience); err != nil || got != want {
		c.t.Fatalf("heard %q, %v; want %q", got, err, want)
	}
}

func TestConnectionsGoToReadyBackendsInTurn(t *testing.T) {
	a, b, c := echo(t, "a"), echo(t, "b"), echo(t, "c")
	var sick atomic.Value
	sick.Store("")
	forwarder := start(t, forward.Options{
		Backends: []string{a, b, c},
		Ready:    func(backend string) bool { return backend != sick.Load() },
	})
	old := dial(t, forwarder)
	old.say("1")
	old.wantLine("a 1")
	sick.Store(a)
	for _, want := range []string{"b 2", "c 2", "b 2"} {
		next := dial(t, forwarder)
		next.say("2")
		next.wantLine(want)
	}
	old.say("3")
	old.wantLine("a 3") // an unready backend keeps the connections it has
}

func TestWithoutAReadyBackendTheConnectionIsReset(t *testing.T) {
	forwarder := start(t, forward.Options{Backends: []string{echo(t, "a")}, Ready: func(string) bool { return false }})
	connection, err := net.DialTimeout("tcp", forwarder.Address(), patience)
	if errors.Is(err, syscall.ECONNRESET) {
		return // the reset can be faster than the dialler
	}
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	wantEnd(t, &client{connection, t, bufio.NewReader(connection)})
}

// wantEnd fails the test unless the connection ends, other than by our own deadline.
func wantEnd(t *testing.T, c *client) {
	t.Helper()
	if line, err := c.hear(patience); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("heard %q, %v; want the connection's end", line, err)
	}
}

func TestCutResetsEveryConnectionAndTakesNewOnes(t *testing.T) {
	forwarder := start(t, forward.Options{Backends: []string{echo(t, "a")}})
	first, second := dial(t, forwarder), dial(t, forwarder)
	for _, c := range []*client{first, second} {
		c.say("1")
		c.wantLine("a 1")
	}
	if cut := forwarder.Cut(); cut != 2 {
		t.Errorf("cut %d connections, want 2", cut)
	}
	wantEnd(t, first)
	wantEnd(t, second)
	third := dial(t, forwarder)
	third.say("2")
	third.wantLine("a 2")
	if n := forwarder.Connections(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func TestRefuseKeepsConnectionsAndTheAddress(t *testing.T) {
	forwarder := start(t, forward.Options{Backends: []string{echo(t, "a")}})
	old := dial(t, forwarder)
	old.say("1")
	old.wantLine("a 1")
	if err := forwarder.Refuse(); err != nil {
		t.Fatal(err)
	}
	if _, err := net.DialTimeout("tcp", forwarder.Address(), patience); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dialling: %v, want connection refused", err)
	}
	old.say("2")
	old.wantLine("a 2")
	if err := forwarder.Accept(); err != nil {
		t.Fatal(err)
	}
	next := dial(t, forwarder)
	next.say("3")
	next.wantLine("a 3")
}

func TestHeldRequestsArriveAfterResume(t *testing.T) {
	forwarder := start(t, forward.Options{Backends: []string{echo(t, "a")}})
	c := dial(t, forwarder)
	c.say("1")
	c.wantLine("a 1")
	forwarder.HoldRequests()
	c.say("2")
	if line, err := c.hear(soon); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("heard %q, %v while held; want silence", line, err)
	}
	forwarder.Resume()
	c.wantLine("a 2")
}

func TestOnlyTheBackendOfAHeldClientIsAsked(t *testing.T) {
	backends := []string{echo(t, "a"), echo(t, "b")}
	forwarder := start(t, forward.Options{Backends: backends})
	first := dial(t, forwarder)
	first.say("1")
	first.wantLine("a 1")
	second := dial(t, forwarder)
	second.say("1")
	second.wantLine("b 1")
	forwarder.HoldRequests()
	second.say("2")
	if line, err := second.hear(soon); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("heard %q, %v while held; want silence", line, err)
	}
	if asked := forwarder.Asked(); !slices.Equal(asked, backends[1:]) {
		t.Errorf("asked = %v, want %v only", asked, backends[1:])
	}
	forwarder.Resume()
	second.wantLine("b 2")
}

func TestOneSidesEndLetsTheOtherFinish(t *testing.T) {
	forwarder := start(t, forward.Options{Backends: []string{echo(t, "a")}})
	c := dial(t, forwarder)
	c.say("1")
	if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	c.wantLine("a 1")
	c.wantLine("a bye")
	if _, err := c.hear(patience); !errors.Is(err, io.EOF) {
		t.Errorf("err = %v, want the end", err)
	}
}

func TestCloseEndsHeldConnections(t *testing.T) {
	forwarder, err := forward.Start(forward.Options{Backends: []string{echo(t, "a")}})
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, forwarder)
	c.say("1")
	c.wantLine("a 1")
	forwarder.HoldRequests()
	c.say("2")
	if err := forwarder.Close(); err != nil {
		t.Error(err)
	}
	wantEnd(t, c)
}

func TestStrandHoldsOldConnectionsAndLetsNewOnesThrough(t *testing.T) {
	forwarder := start(t, forward.Options{Backends: []string{echo(t, "a")}})
	old := dial(t, forwarder)
	old.say("1")
	old.wantLine("a 1")
	forwarder.Strand()
	old.say("2")
	fresh := dial(t, forwarder)
	fresh.say("3")
	fresh.wantLine("a 3")
	if line, err := old.hear(soon); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("heard %q, %v on the stranded connection; want silence", line, err)
	}
	forwarder.Resume()
	old.wantLine("a 2")
}
