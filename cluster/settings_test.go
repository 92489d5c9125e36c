package cluster_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

func TestOfSettingsOnlyWhatChecksReadIsKept(t *testing.T) {
	row, ok := cluster.Lookup(cluster.HarvesterSettings)
	if !ok {
		t.Fatal("there is no row for settings")
	}
	for name, test := range map[string]struct{ setting, value, want string }{
		"a version is kept whole":             {"server-version", "v1.4.1", "v1.4.1"},
		"credentials of a backup target go":   {"backup-target", `{"type":"s3","secretAccessKey":"hidden","refreshIntervalInSeconds":0}`, `{"refreshIntervalInSeconds":0,"type":"s3"}`},
		"the private key of the console goes": {"ssl-certificates", `{"ca":"a","publicCertificate":"b","privateKey":"hidden"}`, `{"ca":"a","publicCertificate":"b"}`},
		"what is no JSON object goes":         {"backup-target", "hidden", ""},
		"a setting that nobody reads goes":    {"containerd-registry", `{"auth":"hidden"}`, ""},
		"an empty value stays empty":          {"backup-target", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			setting := &cluster.Setting{ObjectMeta: metav1.ObjectMeta{Name: test.setting}, Value: test.value, Default: test.value}
			if _, err := row.Trim(setting); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{test.want, test.want}, []string{setting.Value, setting.Default}); diff != "" {
				t.Errorf("value and default (-want +got):\n%s", diff)
			}
		})
	}
}
