// Package certs provides the webhook's serving certificate and tells whether the
// API server trusts it.
//
// There are two ways behind one Provider. Self-managed needs nothing but the API
// server, which is what every stock Harvester offers: the certificate authority
// lives in a Secret of our own, every replica signs its own leaf, and the replicas
// write the authority into the caBundle of our two webhook configurations. With
// cert-manager, certificates come from a mounted Secret and the caBundle from
// cert-manager's CA injector; this package then only reads.
//
// The order that makes a rotation lossless: a new authority is first added to
// every caBundle, then observed there, then left alone for a grace period in
// which all API servers learn of it, and only then does a leaf signed by it face
// a request. Old authorities stay in the caBundle for as long as a leaf of theirs
// can be alive.
package certs
