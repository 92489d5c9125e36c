// Package supportbundle writes the support bundle that Harvester's users download: the files, names, omissions and losses of
// rancher/support-bundle-kit, as Harvester runs it. What it reads is a running API server, or objects out of files. Its options
// bring about what goes wrong with real ones: lists that fail, discovery that fails, namespaces that nobody asked for, versions
// that have moved, an archive that broke off.
//
// Collect reads the cluster, Bundle.WriteZip and Bundle.Unpack write what came of it.
package supportbundle
