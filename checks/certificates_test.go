package checks

import (
	"context"
	"testing"
	"testing/fstest"
	"time"

	"github.com/upgrade-gate/upgrade-gate/cluster"
)

func TestCertificatesAgainstTheThresholds(t *testing.T) {
	const day = 24 * time.Hour
	now := time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)
	folder, err := cluster.ReadFS(fstest.MapFS{"a.yaml": {Data: []byte("apiVersion: v1\nkind: Node\nmetadata: {name: node-1}\n")}}, "the folder", cluster.FolderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	snapshot := cluster.Load(context.Background(), folder, now)
	for name, c := range map[string]struct {
		life, left  time.Duration
		block, warn time.Duration
		want        Severity
	}{
		"a year's certificate with a month left":             {365 * day, 31 * day, 7 * day, 30 * day, ""},
		"at the threshold nothing is wrong yet":              {365 * day, 30 * day, 7 * day, 30 * day, ""},
		"below the threshold of warnings":                    {365 * day, 30*day - 1, 7 * day, 30 * day, Warn},
		"at the threshold of blocking it still warns":        {365 * day, 7 * day, 7 * day, 30 * day, Warn},
		"below the threshold of blocking":                    {365 * day, 7*day - 1, 7 * day, 30 * day, Block},
		"in its last moment":                                 {365 * day, 0, 7 * day, 30 * day, Block},
		"a week's certificate half way":                      {7 * day, 84 * time.Hour, 7 * day, 30 * day, ""},
		"a week's certificate that is due":                   {7 * day, 33 * time.Hour, 7 * day, 30 * day, ""},
		"a week's certificate that is overdue":               {7 * day, 16 * time.Hour, 7 * day, 30 * day, Block},
		"a week's certificate that has expired":              {7 * day, -1, 7 * day, 30 * day, Block},
		"a shorter threshold for one Upgrade":                {365 * day, 5 * day, 3 * day, 30 * day, Warn},
		"a longer threshold for one Upgrade":                 {365 * day, 50 * day, 60 * day, 30 * day, Block},
		"a certificate that ends before it begins has ended": {-day, -2 * day, 7 * day, 30 * day, Block},
	} {
		t.Run(name, func(t *testing.T) {
			p := &Pass{Snapshot: snapshot, Settings: Settings{CertificateBlockAge: c.block, CertificateWarnAge: c.warn}}
			end := now.Add(c.left)
			if got := judgeExpiry(p, cluster.Certificate{NotBefore: end.Add(-c.life), NotAfter: end}); got.severity != c.want {
				t.Errorf("got %q (%s), want %q", got.severity, got.fact, c.want)
			}
		})
	}
}

func TestWhomACertificateIsIssuedFor(t *testing.T) {
	certificate := cluster.Certificate{
		Subject: "CN=common.example.com", DNSNames: []string{"harvester.example.com", "*.lab.example.com"}, IPAddresses: []string{"10.10.0.10", "fd00::1"},
	}
	for host, want := range map[string]bool{
		"harvester.example.com": true, "Harvester.Example.COM": true, "harvester.example.com.": true, "a.lab.example.com": true,
		"a.b.lab.example.com": false, "lab.example.com": false, "common.example.com": false, "example.com": false,
		"10.10.0.10": true, "::ffff:10.10.0.10": true, "10.10.0.1": false, "fd00:0::1": true,
	} {
		if got := issuedFor(certificate, host); got != want {
			t.Errorf("%s: got %t, want %t", host, got, want)
		}
	}
}
