package ui_test

import (
	"fmt"
	"net/http"
)

// person is in whose name Rancher passes a request on. The zero person is nobody: a request without such headers.
type person struct {
	name   string
	groups []string
	// display is the name that the person is known by, which Rancher passes on as something extra.
	display string
}

// sign puts the person's headers on a request.
func (p person) sign(header http.Header) {
	if p.name == "" {
		return
	}
	header.Set("Impersonate-User", p.name)
	for _, group := range p.groups {
		header.Add("Impersonate-Group", group)
	}
	if p.display != "" {
		header.Set("Impersonate-Extra-Username", p.display)
	}
}

// owner owns the cluster, as Rancher's administrators do.
func owner() person {
	return person{name: "user-k7x2p", groups: []string{"system:authenticated", "system:cattle:authenticated", "harvester-admins"}, display: "ops-lead"}
}

// viewer may look at upgrades and start none.
func viewer() person {
	return person{name: "user-9qwzt", groups: []string{"system:authenticated", "system:cattle:authenticated", "harvester-viewers"}, display: "intern"}
}

const (
	// version is what the dashboard's dialog offers.
	version = "v1.4.2"
	// image is what has been uploaded on the page for clusters without a way out.
	image = "harvester-system/image-iso142"
)

// dialog is what the upgrade dialog of the dashboard sends. Its box leaves out single-replica volumes that are detached;
// without the tick there is no annotation.
func dialog(ticked bool) string {
	annotations := ""
	if ticked {
		annotations = `,"annotations":{"harvesterhci.io/skipSingleReplicaDetachedVol":"true"}`
	}
	return fmt.Sprintf(`{"type":"harvesterhci.io.upgrade","metadata":{"generateName":"hvst-upgrade-","namespace":"harvester-system"%s},`+
		`"spec":{"version":%q,"logEnabled":true}}`, annotations, version)
}

// airGap is what the page for air-gapped upgrades sends, whose box is the same; without the tick it sends "false".
func airGap(ticked bool) string {
	return fmt.Sprintf(`{"type":"harvesterhci.io.upgrade","metadata":{"generateName":"hvst-upgrade-","namespace":"harvester-system",`+
		`"annotations":{"harvesterhci.io/skipSingleReplicaDetachedVol":"%t"}},"spec":{"image":%q,"logEnabled":true}}`, ticked, image)
}
