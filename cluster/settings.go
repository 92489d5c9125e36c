package cluster

import "encoding/json"

// keptSettings names the settings of Harvester that checks read and, for those whose JSON also holds credentials, the fields that
// are kept; nil keeps the whole value. No other setting's value is kept: some are registry or cloud credentials.
func keptSettings() map[string][]string {
	return map[string][]string{
		"server-version":                         nil,
		"server-url":                             nil,
		"upgrade-config":                         nil,
		"kubevirt-migration":                     nil,
		"storage-network":                        nil,
		"storage-network-for-rwx-volume-enabled": nil,
		"auto-rotate-rke2-certs":                 nil,
		"longhorn-v2-data-engine-enabled":        nil,
		"backup-target":                          {"type", "refreshIntervalInSeconds"},
		"ssl-certificates":                       {"ca", "publicCertificate"},
	}
}

func keepSetting(from, to *Setting) {
	fields, kept := keptSettings()[from.Name]
	if !kept {
		return
	}
	to.Value, to.Default = keepFields(from.Value, fields), keepFields(from.Default, fields)
}

// keepFields returns the named fields of a JSON object as JSON; the whole text where none are named, and nothing where the text is
// no JSON object.
func keepFields(text string, fields []string) string {
	if fields == nil || text == "" {
		return text
	}
	var all map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &all) != nil {
		return ""
	}
	kept := map[string]json.RawMessage{}
	for _, name := range fields {
		if value, ok := all[name]; ok {
			kept[name] = value
		}
	}
	safe, err := json.Marshal(kept)
	if err != nil {
		return ""
	}
	return string(safe)
}
