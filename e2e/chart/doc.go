// Package chart tests deploy/chart with the real helm: what it renders is what the kustomize overlays render, what it
// refuses, and what it does to a real API server while the gate writes into the same objects.
package chart
