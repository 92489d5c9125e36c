package webhook

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"go.uber.org/zap"
	"k8s.io/client-go/rest"

	"github.com/upgrade-gate/upgrade-gate/certs"
)

// Paths that the two registrations call.
const (
	// ValidatingPath decides.
	ValidatingPath = "/validate"
	// MutatingPath refuses in advance.
	MutatingPath = "/mutate"
)

// Defaults of Options.
const (
	DefaultListen          = ":9443"
	DefaultHealthListen    = ":8081"
	DefaultDrainDelay      = 10 * time.Second
	DefaultShutdownTimeout = 30 * time.Second
)

// Options configure a Server.
type Options struct {
	// Config says how to reach the API server. Rate limit, compression and user agent are set by New.
	Config *rest.Config
	// Version is ours, for the user agent and the log. Default "dev".
	Version string
	// Instance names this replica in events: the pod's name.
	Instance string
	// PolicyFile is the configuration file; empty means policy.Default.
	PolicyFile string
	// Certs say where the serving certificate comes from.
	Certs certs.Options
	// Listen is where the API server calls, HOST:PORT with TLS. Default ":9443".
	Listen string
	// HealthListen serves /healthz, /readyz and /metrics, HOST:PORT without TLS. Default ":8081".
	HealthListen string
	// KubeletCA names the file of the CA that signs the kubelets' serving certificates; empty means the API server's.
	KubeletCA string
	// ReadSecrets reads the few Secrets of docs/secrets.md. Off by default: the service account has to be allowed to.
	ReadSecrets bool
	// DrainDelay is how long a replica that was told to stop goes on serving, so that the endpoints forget it. Zero is none.
	DrainDelay time.Duration
	// ShutdownTimeout is how long calls in flight may take after that. Default 30 s.
	ShutdownTimeout time.Duration
	// Logger gets everything that is logged.
	Logger *zap.Logger
}

func (o Options) withDefaults() Options {
	o.Version = cmp.Or(o.Version, "dev")
	o.Listen = cmp.Or(o.Listen, DefaultListen)
	o.HealthListen = cmp.Or(o.HealthListen, DefaultHealthListen)
	o.ShutdownTimeout = cmp.Or(o.ShutdownTimeout, DefaultShutdownTimeout)
	return o
}

// Validate returns every problem of the options at once, or nil.
func (o Options) Validate() error {
	o = o.withDefaults()
	var problems []error
	if o.Config == nil {
		problems = append(problems, errors.New("it is not known how to reach the API server"))
	}
	if o.Logger == nil {
		problems = append(problems, errors.New("there is no logger"))
	}
	for what, address := range map[string]string{"listen": o.Listen, "health listen": o.HealthListen} {
		if _, _, err := splitAddress(address); err != nil {
			problems = append(problems, fmt.Errorf("%s address: %w", what, err))
		}
	}
	if o.DrainDelay < 0 {
		problems = append(problems, fmt.Errorf("drain delay %s is negative", o.DrainDelay))
	}
	if o.ShutdownTimeout < 0 {
		problems = append(problems, fmt.Errorf("shutdown timeout %s is negative", o.ShutdownTimeout))
	}
	if err := o.Certs.Validate(); err != nil {
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// splitAddress splits HOST:PORT; the port is a number other than zero.
func splitAddress(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("%q is not HOST:PORT", address)
	}
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil || number == 0 {
		return "", 0, fmt.Errorf("%q has no port between 1 and 65535", address)
	}
	return host, int(number), nil
}
