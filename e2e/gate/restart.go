package gate

import (
	"context"
	"errors"
	"slices"
)

// Restart starts a process that has ended again, at the same ports and with the same arguments, as a Deployment puts
// another pod in the place of one that is gone. It does not wait until it is ready. An empty binary means the one that
// ran before; variables are added to the environment, NAME=VALUE.
func (p *Process) Restart(ctx context.Context, binary string, variables ...string) error {
	select {
	case <-p.done:
	case <-ctx.Done():
		return errors.New("the gate still runs")
	}
	if binary != "" {
		p.binary = binary
	}
	p.environment = append(slices.Clone(p.environment), variables...)
	p.mu.Lock()
	p.killed, p.exit = false, nil
	p.mu.Unlock()
	return p.start()
}
