package webhook

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	eventsclient "k8s.io/client-go/kubernetes/typed/events/v1"
)

const (
	// queueSize is how many events wait while the API server does not take them.
	queueSize = 256
	// eventsAtOnce and eventsPerSecond bound the events of refusals: the API server keeps each for an hour, and a script that presses
	// the button again and again would fill etcd. The decisions themselves are in the log, all of them.
	eventsAtOnce    = 100
	eventsPerSecond = 1
	// writeAttempts is how often one event is tried.
	writeAttempts = 3
	// writeTimeout bounds one attempt.
	writeTimeout = 5 * time.Second
	// writePause lies between two attempts.
	writePause = 500 * time.Millisecond
	// flushTimeout bounds what is written after Run was told to end.
	flushTimeout = 5 * time.Second
)

// Recorder writes the events of decisions, one after the other, without making a decision wait for the API server.
type Recorder struct {
	client  eventsclient.EventsGetter
	queue   chan *eventsv1.Event
	limit   *rate.Limiter
	dropped prometheus.Counter
	after   func(time.Duration) <-chan time.Time
	logger  *zap.Logger
}

// NewRecorder returns a Recorder. Events that are not written because there are too many, or because the API server does not
// take them, are counted in metrics and logged.
func NewRecorder(client eventsclient.EventsGetter, metrics *Metrics, logger *zap.Logger) *Recorder {
	return &Recorder{
		client: client, queue: make(chan *eventsv1.Event, queueSize), limit: rate.NewLimiter(eventsPerSecond, eventsAtOnce),
		dropped: metrics.eventsDropped, after: time.After, logger: logger,
	}
}

// Record puts an event into the queue. It never blocks: an event that finds the queue full is dropped, and so is one of a
// refusal after a hundred others, but for one a second. Admissions are few by nature.
func (r *Recorder) Record(event *eventsv1.Event) {
	if event.Type == corev1.EventTypeWarning && !r.limit.Allow() {
		r.dropped.Inc()
		r.logger.Debug("an event was not written, for there were too many", zap.String("event", event.Namespace+"/"+event.Name))
		return
	}
	select {
	case r.queue <- event:
	default:
		r.drop(event, zap.String("because", "too many events wait"))
	}
}

// Run writes events until ctx ends, and then what is still in the queue, for five seconds at most.
func (r *Recorder) Run(ctx context.Context) {
	writing, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		select {
		case <-r.after(flushTimeout):
			cancel()
		case <-writing.Done():
		}
	})()
	for {
		select {
		case event := <-r.queue:
			r.write(writing, event)
		case <-ctx.Done():
			r.flush(writing)
			return
		}
	}
}

func (r *Recorder) flush(ctx context.Context) {
	for {
		select {
		case event := <-r.queue:
			r.write(ctx, event)
		default:
			return
		}
	}
}

// write tries an event until the API server has it or says that it never will.
func (r *Recorder) write(ctx context.Context, event *eventsv1.Event) {
	var err error
	for attempt := range writeAttempts {
		if attempt > 0 {
			select {
			case <-r.after(writePause):
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			r.drop(event, zap.String("because", "the process ends"), zap.Error(err))
			return
		}
		if err = r.create(ctx, event); err == nil {
			return
		}
		if hopeless(err) {
			break
		}
	}
	r.drop(event, zap.Error(err))
}

func (r *Recorder) create(ctx context.Context, event *eventsv1.Event) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	_, err := r.client.Events(event.Namespace).Create(ctx, event, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		// An earlier attempt got through and only its answer was lost.
		return nil
	}
	return err
}

// hopeless tells the errors that another attempt would meet again.
func hopeless(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsNotFound(err)
}

// drop gives an event up. Its text goes to the log, where the decision itself stands already.
func (r *Recorder) drop(event *eventsv1.Event, why ...zap.Field) {
	r.dropped.Inc()
	r.logger.Error("an event was not written", append(why, zap.String("event", event.Namespace+"/"+event.Name),
		zap.String("reason", event.Reason), zap.String("note", event.Note))...)
}
