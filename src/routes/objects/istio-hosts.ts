/**
 * A host in canonical form: `name.namespace.svc` for a Service, whether written as a short name, with its namespace or as the
 * full domain name; any other host in lower case.
 *
 * @param namespace of the object that names the host
 */
export function canonicalHost(host: string, namespace: string): string {
  const lower = host.toLowerCase();
  const name = /\.svc\../.test(lower) ? lower.slice(0, lower.indexOf('.svc.') + '.svc'.length) : lower;
  const parts = name.split('.');
  if (name === '*' || name.endsWith('.svc') || parts.length > 2) return name;
  return parts.length === 1 ? `${name}.${namespace}.svc` : `${name}.svc`;
}

/**
 * The Service that a host certainly means; `undefined` for a host that may as well be that of a ServiceEntry
 * (`api.example.com`, but also `example.com`, which would be Service `example` in namespace `com`).
 */
export function serviceOf(host: string, namespace: string): { name: string; namespace: string } | undefined {
  const surely = !host.includes('.') || /\.svc(\.|$)/i.test(host);
  const [name, itsNamespace] = canonicalHost(host, namespace).split('.');
  return surely && name && itsNamespace ? { name, namespace: itsNamespace } : undefined;
}

/** Whether a DestinationRule's host, which may begin with `*`, matches another one; both canonical. */
export function coversHost(pattern: string, host: string): boolean {
  return pattern.startsWith('*') ? host.endsWith(pattern.slice(1)) : pattern === host;
}
