{{/* Name of everything that belongs to the operator, its lease too. */}}
{{- define "visualpriors.name" -}}
{{- printf "%s-operator" (.Release.Name | trunc 54 | trimSuffix "-") -}}
{{- end -}}

{{/* Name of cluster-scoped things: two releases of one name in two namespaces must not meet. */}}
{{- define "visualpriors.clusterName" -}}
{{- printf "%s:%s" .Release.Namespace (include "visualpriors.name" .) -}}
{{- end -}}

{{- define "visualpriors.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "visualpriors.name" .) -}}
{{- else -}}
{{- required "serviceAccount.name: wanted when serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* What selects the operator's pods. Deployments cannot change it. */}}
{{- define "visualpriors.selectorLabels" -}}
app.kubernetes.io/name: visualpriors
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{/* Labels of everything but selectors and pods of tests. */}}
{{- define "visualpriors.labels" -}}
{{ include "visualpriors.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* What selects trainer pods, in any namespace: the operator labels them so. */}}
{{- define "visualpriors.trainerLabels" -}}
app.kubernetes.io/managed-by: visualpriors
app.kubernetes.io/component: trainer
{{- end -}}

{{/* An image's reference. Takes the image's values and the chart's version. */}}
{{- define "visualpriors.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ .image.tag | default .version }}
{{- end -}}
{{- end -}}

{{- define "visualpriors.operatorAddress" -}}
{{- printf "http://%s.%s.svc:8080" (include "visualpriors.name" .) .Release.Namespace -}}
{{- end -}}

{{/* The restricted profile of the pod security standards. */}}
{{- define "visualpriors.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "visualpriors.containerSecurityContext" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Parts of network policies. */}}
{{- define "visualpriors.dns" -}}
# DNS; a node's own cache has an address that no selector names.
- ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
{{- end -}}

{{/* Egress to address ranges and ports. */}}
{{- define "visualpriors.egress" -}}
- ports:
    {{- range .ports }}
    - {port: {{ int . }}, protocol: TCP}
    {{- end }}
  {{- with .cidrs }}
  to:
    {{- range . }}
    - ipBlock: {cidr: {{ . | quote }}}
    {{- end }}
  {{- end }}
{{- end -}}

{{- define "visualpriors.monitoringPeer" -}}
- namespaceSelector:
    {{- toYaml .Values.networkPolicy.monitoring.namespaceSelector | nindent 4 }}
  podSelector:
    {{- toYaml .Values.networkPolicy.monitoring.podSelector | nindent 4 }}
{{- end -}}
