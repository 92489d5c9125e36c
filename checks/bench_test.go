package checks_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/upgrade-gate/upgrade-gate/checks"
	"github.com/upgrade-gate/upgrade-gate/cluster"
	"github.com/upgrade-gate/upgrade-gate/cluster/clustertest"
)

// BenchmarkChain runs every check but those that wait for the simulation of the drain, and BenchmarkChainAndSimulation all.
func BenchmarkChain(b *testing.B) {
	benchmarkChain(b, slices.DeleteFunc(checks.All(), func(c checks.Check) bool { return strings.HasPrefix(c.Name, "drain-") }))
}

func BenchmarkChainAndSimulation(b *testing.B) { benchmarkChain(b, checks.All()) }

func benchmarkChain(b *testing.B, list []checks.Check) {
	for _, size := range clustertest.Sizes() {
		input := inputOf(size)
		b.Run(size.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				checks.Run(context.Background(), list, input)
			}
		})
	}
}

func BenchmarkCheck(b *testing.B) {
	for _, size := range clustertest.Sizes() {
		input := inputOf(size)
		for _, check := range checks.All() {
			b.Run(check.Name+"/"+size.Name, func(b *testing.B) {
				for b.Loop() {
					checks.Run(context.Background(), []checks.Check{check}, input)
				}
			})
		}
	}
}

func inputOf(size clustertest.Size) checks.Input {
	return checks.Input{
		Snapshot: cluster.Load(context.Background(), clustertest.Generate(size), clustertest.Now()),
		Request: checks.Request{
			Object:  checks.Object{APIVersion: "harvesterhci.io/v1beta1", Kind: "Upgrade", Namespace: cluster.HarvesterNamespace, Name: "to-v1-4-2"},
			Version: "v1.4.2",
		},
		Settings: checks.DefaultSettings(),
	}
}

func TestAGeneratedClusterIsHealthy(t *testing.T) {
	for _, size := range []clustertest.Size{clustertest.Small(), clustertest.Medium()} {
		for _, result := range checks.Run(context.Background(), checks.All(), inputOf(size)) {
			if result.Outcome != checks.Passed {
				t.Errorf("size %s: %s is %s (%s), the first of %d findings: %+v", size.Name, result.Check.Name, result.Outcome, result.Because, len(result.Findings), first(result.Findings))
			}
		}
	}
}

func first(findings []checks.Finding) any {
	if len(findings) == 0 {
		return nil
	}
	return findings[0]
}
