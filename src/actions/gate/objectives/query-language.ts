const languages: readonly (readonly [RegExp, string])[] = [
  [/^(?:metricSelector=|MV2;|USQL;|SLO;|SECPV2;|PV2;|entitySelector=|(?:builtin|calc|ext|func):)/i, 'Dynatrace'],
  [/^(?:avg|sum|min|max|count|p\d\d):[\w.]+\s*\{/i, 'Datadog'],
  [/^(?:SELECT|FROM)\s/i, 'SQL, NRQL or InfluxQL'],
  [/^from\s*\(\s*bucket/, 'Flux'],
  [/^(?:index=|search\s|\|\s*\w)/i, 'Splunk'],
  [/^fetch\s+\w+/, 'Google Cloud Monitoring (MQL)'],
];

/** The language of a query that is surely no PromQL, or undefined. */
export function queryLanguageOf(query: string): string | undefined {
  const begin = query.trimStart().slice(0, 500);
  return languages.find(([pattern]) => pattern.test(begin))?.[1];
}
