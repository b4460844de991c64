{{- define "steward.name" -}}
{{- if contains "steward" .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-steward" .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "steward.selector" -}}
app.kubernetes.io/name: steward
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "steward.labels" -}}
{{ include "steward.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "steward.image" -}}
{{- $repository := required "image.repository: where you pushed what deploy/Containerfile builds" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{ $repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ $repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* Whether nodes share everything, so that there may be many and none needs a volume. */}}
{{- define "steward.shared" -}}
{{- if and .Values.postgresql.enabled .Values.objects.endpoint -}}yes{{- end -}}
{{- end -}}

{{/* What would not work, in the words of whoever must mend it. */}}
{{- define "steward.check" -}}
{{- $origin := required "origin: where people and Jira reach it, https://…" .Values.origin -}}
{{- if not (hasPrefix "https://" $origin) -}}{{ fail "origin: it must start with https://" }}{{- end -}}
{{- if not .Values.secretName -}}{{ fail "secretName: the Secret that holds root.key and what else is secret; see values.yaml" }}{{- end -}}
{{- if and (gt (int .Values.replicas) 1) (not (include "steward.shared" .)) -}}
{{ fail "replicas: more than one node needs postgresql.enabled and objects.endpoint" }}
{{- end -}}
{{- if and .Values.objects.endpoint (or (not .Values.objects.bucket) (not .Values.objects.accessKey)) -}}
{{ fail "objects: endpoint goes with bucket and accessKey" }}
{{- end -}}
{{- if and (not .Values.tls.secretName) .Values.networkPolicy.enabled (not .Values.networkPolicy.from) -}}
{{ fail "networkPolicy.from: without own TLS name who may reach the plain listener, the pods of your Ingress" }}
{{- end -}}
{{- end -}}
