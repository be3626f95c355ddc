import { convertArgo } from './argo.ts';
import type { Convert } from './conversion.ts';
import { convertFlagger } from './flagger.ts';
import { convertKeptnAnalysis } from './keptn-analysis.ts';
import { convertKeptnSlo } from './keptn-slo.ts';
import { convertOpenSlo } from './openslo.ts';
import { convertSloth } from './sloth.ts';

/** A kind of document that is read, by what it says of itself. */
export interface Format {
  /** As the documentation names it. */
  readonly name: string;
  readonly isOf: (value: Readonly<Record<string, unknown>>) => boolean;
  readonly convert: Convert;
}

/** Objects of an API group, of these kinds. */
function objects(group: string, ...kinds: readonly string[]): Format['isOf'] {
  return ({ apiVersion, kind }) =>
    typeof apiVersion === 'string' &&
    apiVersion.startsWith(`${group}/`) &&
    kinds.some((known) => (known.endsWith('*') ? String(kind).startsWith(known.slice(0, -1)) : kind === known));
}

export const formats: readonly Format[] = [
  {
    name: "Keptn's slo.yaml and sli.yaml",
    isOf: (value) =>
      value.apiVersion === undefined &&
      value.version === undefined &&
      ('indicators' in value || ('objectives' in value && ('total_score' in value || 'spec_version' in value))),
    convert: convertKeptnSlo,
  },
  {
    name: "Keptn's AnalysisDefinition",
    isOf: objects(
      'metrics.keptn.sh',
      'AnalysisDefinition',
      'AnalysisValueTemplate',
      'Analysis',
      'KeptnMetricsProvider',
    ),
    convert: convertKeptnAnalysis,
  },
  {
    name: "Argo Rollouts' AnalysisTemplate",
    isOf: objects('argoproj.io', 'AnalysisTemplate', 'ClusterAnalysisTemplate'),
    convert: convertArgo,
  },
  {
    name: "Flagger's Canary and MetricTemplate",
    isOf: objects('flagger.app', 'Canary', 'MetricTemplate'),
    convert: convertFlagger,
  },
  { name: 'OpenSLO', isOf: objects('openslo', 'SLO', 'SLI', 'DataSource', 'Alert*'), convert: convertOpenSlo },
  {
    name: 'Sloth',
    isOf: (value) => value.version === 'prometheus/v1' || objects('sloth.slok.dev', 'PrometheusServiceLevel')(value),
    convert: convertSloth,
  },
];
