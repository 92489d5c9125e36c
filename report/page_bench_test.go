package report_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
	"github.com/upgrade-gate/upgrade-gate/gate"
	"github.com/upgrade-gate/upgrade-gate/policy"
	"github.com/upgrade-gate/upgrade-gate/report"
)

// generated is the decision on a generated cluster.
func generated(size clustertest.Size) report.Input {
	judge := gate.Gate{Checks: checks.All(), Now: clustertest.Now}
	request := gate.Request{Request: checks.Request{Version: "v1.4.2"}}
	return judge.Examine(context.Background(), clustertest.Generate(size), request, policy.Default())
}

// BenchmarkHTML makes and writes the page of a healthy cluster; page-bytes is how large it is.
func BenchmarkHTML(b *testing.B) {
	for _, size := range clustertest.Sizes() {
		input := generated(size)
		b.Run(size.Name, func(b *testing.B) {
			var out bytes.Buffer
			for b.Loop() {
				out.Reset()
				if err := report.WriteHTML(&out, report.NewPage(input, report.Origin{})); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(out.Len()), "page-bytes")
		})
	}
}
