/** What the API server answers to kubectl's own dry run. */
import { execa } from 'execa';
import { isRecord } from '../../lab/embedded/api-server/objects.ts';
import { documentsIn } from '../../src/apply/documents.ts';
import { identityOf, parseManifests, type ReleasePlace, resolveRendered } from '../../src/apply/objects.ts';
import type { KubernetesClient } from '../../src/cluster/client.ts';
import { stringifyJson } from '../../src/core/json.ts';
import { inParallel } from '../../src/core/parallel.ts';
import type { Answers } from './answers.ts';
import { kubectlReads } from './reading.ts';
import type { OracleServer } from './server.ts';

/** How kubectl is asked to write. */
export interface KubectlWay {
  /** `create` is for what is written without server-side apply. */
  readonly by: 'apply' | 'create';
  readonly fieldManager: string;
}

/** Milliseconds. */
const DEADLINE = 120_000;

/** Asks for all objects of a text at once, and for each alone where kubectl refuses one of them. */
export async function kubectlAnswers(server: OracleServer, text: string, way: KubectlWay): Promise<Answers> {
  const set = parseManifests([{ name: 'set', text }]);
  const place = { namespace: server.namespace, definitions: set };
  const whole = await ask(server, text, way);
  if (!('refused' in whole)) {
    const names = await namesOf(server.client, whole.objects, place);
    return new Map(whole.objects.map((object, index) => [names[index] ?? '', { object }]));
  }
  const reading = await kubectlReads(text);
  if ('refused' in reading) throw new Error(`kubectl does not read it: ${reading.refused}`);
  const asked = await inParallel(
    reading.objects,
    async (object) => {
      const alone = await ask(server, stringifyJson(object), way);
      const [name = ''] = await namesOf(server.client, [object], place);
      return [name, 'refused' in alone ? alone : { object: alone.objects[0] }] as const;
    },
    2,
  );
  return new Map(asked);
}

type Asked = { readonly objects: readonly unknown[] } | { readonly refused: string };

async function ask({ kubeconfig }: OracleServer, text: string, { by, fieldManager }: KubectlWay): Promise<Asked> {
  // `create` checks fields as strictly as `apply` unless it is told not to, and Helm does not.
  const how = by === 'apply' ? ['apply', '--server-side'] : ['create', '--validate=warn'];
  const args = [...how, '--dry-run=server', `--field-manager=${fieldManager}`, '--output=json', '--filename=-'];
  const ended = await execa('kubectl', args, {
    input: text,
    reject: false,
    timeout: DEADLINE,
    env: { KUBECONFIG: kubeconfig },
  });
  if (ended.exitCode !== 0) return { refused: ended.stderr.trim() || `exit status ${ended.exitCode}` };
  const printed = documentsIn({ name: 'kubectl', text: ended.stdout }).flatMap(({ values }) => values);
  return { objects: printed.flatMap(itemsOf) };
}

function itemsOf(value: unknown): unknown[] {
  return isRecord(value) && value.kind === 'List' && Array.isArray(value.items) ? value.items : [value];
}

/** By what names each object; of a kind that the cluster does not serve, what is written. */
export async function namesOf(
  client: Pick<KubernetesClient, 'kindsIn'>,
  objects: readonly unknown[],
  place: ReleasePlace,
): Promise<string[]> {
  return inParallel(objects, async (object) => {
    const [written] = parseManifests([{ name: 'object', text: stringifyJson(object) }]);
    if (!written) return 'nothing';
    const signal = AbortSignal.timeout(DEADLINE);
    const {
      objects: [found],
    } = await resolveRendered(client, [written], place, signal);
    if (found) return identityOf(found.reference);
    const { apiVersion, kind, metadata } = written.manifest;
    return `${apiVersion}/${kind}/${metadata.namespace ?? place.namespace}/${metadata.name}`;
  });
}
