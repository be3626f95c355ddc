/** The check that asks what a document calls its provider: the one of Prometheus' API, or of the product itself. */
const checks: Readonly<Record<string, string>> = {
  prometheus: 'promql',
  thanos: 'promql',
  cortex: 'promql',
  datadog: 'datadog',
};

/** The kind of check for a provider, or undefined where the gate has none. @param kinds the kinds that the gate has */
export function checkOf(provider: string, kinds: ReadonlySet<string>): string | undefined {
  const name = provider.toLowerCase();
  const kind = Object.hasOwn(checks, name) ? checks[name] : undefined;
  return kind !== undefined && kinds.has(kind) ? kind : undefined;
}
