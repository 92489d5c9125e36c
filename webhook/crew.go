package webhook

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"go.uber.org/zap"
)

// crew runs the parts of a Server, each until its context ends, and hears of those that end before.
type crew struct {
	running sync.WaitGroup
	failed  chan error
	logger  *zap.Logger
}

// crewSize is more than a Server has parts, so that none waits to tell of its failure.
const crewSize = 16

func newCrew(logger *zap.Logger) *crew {
	return &crew{failed: make(chan error, crewSize), logger: logger}
}

// start runs a part and returns a channel that is closed when it has ended.
func (c *crew) start(ctx context.Context, name string, run func(context.Context) error) <-chan struct{} {
	ended := make(chan struct{})
	c.running.Go(func() {
		defer close(ended)
		err := run(ctx)
		switch {
		case ctx.Err() == nil && err == nil:
			c.failed <- fmt.Errorf("%s ended by itself", name)
		case ctx.Err() == nil:
			c.failed <- fmt.Errorf("%s failed: %w", name, err)
		case err != nil && !errors.Is(err, context.Canceled):
			c.logger.Warn("a part did not end cleanly", zap.String("part", name), zap.Error(err))
		}
	})
	return ended
}

// firstFailure waits until a part fails, or ctx ends; it then returns nil.
func (c *crew) firstFailure(ctx context.Context) error {
	select {
	case err := <-c.failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

func (c *crew) wait() { c.running.Wait() }
