// Package webhook answers the API server: may this upgrade begin?
//
// Read it in this order: handler.go (a request becomes a decision and an answer), upgrade.go (what is judged, and what is
// only waved through), answer.go (the form of the answer), audit.go with event.go and recorder.go (what remains of a
// decision: one line in the log, the metrics, one Event). door.go stands between HTTP and the handler: methods, sizes,
// deadlines. server.go runs all of it and shuts it down so that no call is lost; health.go, observer.go and metrics.go are
// what operators see.
//
// The package knows admission and nothing about health: that is package checks. The words of a refusal are package
// report's.
package webhook
