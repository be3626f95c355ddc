/** Fields of earlier versions of Chaos Mesh, or that were never there, and what is meant by them today. */
const oldForms = new Map([
  [
    'scheduler',
    'it is of Chaos Mesh 1. Leave it out, as the drill injects the fault once, or write a Schedule with "schedule", "type" and the fault in a field such as "podChaos"',
  ],
  ['cron', 'write a Schedule with "schedule"'],
  ['schedule', 'only a Schedule has it. Leave it out, as the drill injects the fault once'],
  ['containerName', 'it is of Chaos Mesh 1; write "containerNames" with a list'],
  ['template_type', 'write "templateType"'],
  ['tasks', 'write "children"'],
  ['percentage', 'write "percent" in an IOChaos; other kinds hit all requests or packets that they select'],
  ['statusCode', 'write "replace" with "code"'],
  ['namespace', 'write "namespaces" with a list'],
  ['matchLabels', 'write "labelSelectors"'],
  ['matchExpressions', 'write "expressionSelectors"'],
  ['labels', 'write "labelSelectors"'],
  ['layer', 'it is of Chaos Mesh 1; leave it out'],
  ['configName', 'it is of Chaos Mesh 1; leave it out'],
  ['remoteCluster', 'a fault in another cluster is not taken: run the drill with a kubeconfig of that cluster'],
]);

/** What to write instead of a field that is not there; undefined where nothing is known of it. */
export function oldForm(field: string): string | undefined {
  const known = oldForms.get(field);
  if (known !== undefined) return known;
  if (!/^[a-z]{1,20}(_[a-z]{1,20}){1,3}$/.test(field)) return undefined;
  const written = field.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return `it is of the time before Chaos Mesh 2; write "${written}"`;
}
