{{- define "upgrade-gate.selectorLabels" -}}
app.kubernetes.io/name: upgrade-gate
app.kubernetes.io/component: webhook
{{- end }}

{{- define "upgrade-gate.chartLabels" -}}
app.kubernetes.io/part-of: upgrade-gate
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "upgrade-gate.labels" -}}
{{ include "upgrade-gate.selectorLabels" . }}
{{ include "upgrade-gate.chartLabels" . }}
{{- end }}

{{- define "upgrade-gate.image" -}}
{{- with .Values.global.cattle.systemDefaultRegistry }}{{ . | trimSuffix "/" }}/{{ end -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "upgrade-gate.subject" -}}
- kind: ServiceAccount
  name: upgrade-gate
  namespace: {{ .Release.Namespace }}
{{- end }}

{{- /* What every pod of ours is, of the fields of its spec. */}}
{{- define "upgrade-gate.pod" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "upgrade-gate.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "upgrade-gate.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}
