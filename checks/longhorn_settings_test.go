package checks_test

import (
	"strings"
	"testing"
)

func TestRemediesForSettingsCarryTheUsualValue(t *testing.T) {
	for name, test := range map[string]struct{ setting, value, wants string }{
		"a drain policy that waits for nothing": {"node-drain-policy", "always-allow",
			`set it to its usual value: kubectl -n longhorn-system patch settings.longhorn.io node-drain-policy --type merge -p '{"value":"allow-if-replica-is-stopped"}'.`},
		"rebuilding switched off": {"concurrent-replica-rebuild-per-node-limit", "0",
			`set it to its usual value: kubectl -n longhorn-system patch settings.longhorn.io concurrent-replica-rebuild-per-node-limit --type merge -p '{"value":"5"}'.`},
	} {
		t.Run(name, func(t *testing.T) {
			object := strings.NewReplacer("NAME", test.setting, "VALUE", test.value).Replace(`
apiVersion: longhorn.io/v1beta2
kind: Setting
metadata: {name: NAME, namespace: longhorn-system}
value: "VALUE"
`)
			if remedy := onlyFinding(t, "longhorn-settings", object).Remedy; remedy != test.wants {
				t.Errorf("the remedy is %q, want %q", remedy, test.wants)
			}
		})
	}
}
