package schemas

import "strings"

const reference = "#/components/schemas/"

// converted returns a schema of OpenAPI 3.0 with Kubernetes' extensions as a JSON schema that is as strict as the API server's strict field
// validation. referred is told of every other schema that it refers to.
func converted(schema node, referred func(name string)) node {
	result := node{}
	for key, value := range schema {
		switch key {
		case "$ref":
			name := strings.TrimPrefix(value.(string), reference)
			referred(name)
			result["$ref"] = "#/definitions/" + name
		case "properties":
			result[key] = convertedEach(value.(node), referred)
		case "items", "additionalProperties", "not":
			result[key] = convertedOne(value, referred)
		case "allOf", "anyOf", "oneOf":
			var parts []any
			for _, part := range value.([]any) {
				parts = append(parts, convertedOne(part, referred))
			}
			result[key] = parts
		case "nullable", "exclusiveMinimum", "exclusiveMaximum", "default", "description", "example":
		default:
			if !strings.HasPrefix(key, "x-") {
				result[key] = value
			}
		}
	}
	bound(schema, result, "exclusiveMinimum", "minimum")
	bound(schema, result, "exclusiveMaximum", "maximum")
	forbidUnknown(schema, result)
	if schema["x-kubernetes-int-or-string"] == true {
		result["type"] = []any{"integer", "string"}
	}
	if kind, ok := result["type"].(string); ok && schema["nullable"] == true {
		result["type"] = []any{kind, "null"}
	}
	return result
}

func convertedOne(value any, referred func(string)) any {
	if schema, ok := value.(node); ok {
		return converted(schema, referred)
	}
	return value
}

func convertedEach(schemas node, referred func(string)) node {
	result := node{}
	for name, schema := range schemas {
		result[name] = convertedOne(schema, referred)
	}
	return result
}

// bound writes a bound that OpenAPI 3.0 has as a number and a switch as the one number that JSON schemas have.
func bound(schema, result node, exclusive, inclusive string) {
	if schema[exclusive] == true {
		result[exclusive] = schema[inclusive]
		delete(result, inclusive)
	}
}

// forbidUnknown forbids the fields that an object does not name, unless the API server keeps whatever it is given there. A part of an anyOf says
// nothing of an object's type: its properties are conditions.
func forbidUnknown(schema, result node) {
	properties, _ := result["properties"].(node)
	if schema["type"] != "object" || schema["x-kubernetes-preserve-unknown-fields"] == true || schema["additionalProperties"] != nil || len(properties) == 0 {
		return
	}
	if schema["x-kubernetes-embedded-resource"] == true {
		for _, name := range []string{"apiVersion", "kind", "metadata"} {
			if properties[name] == nil {
				properties[name] = node{}
			}
		}
	}
	result["additionalProperties"] = false
}
