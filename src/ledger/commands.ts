import * as z from 'zod';
import type { Command } from '../canary/ports.ts';
import type { KubernetesClient } from '../cluster/client.ts';
import type { ObjectReference } from '../cluster/resources.ts';
import type { KubernetesObject, PatchOperation } from '../cluster/schema.ts';
import type { Clock } from '../core/clock.ts';
import { isSluiceError } from '../core/errors.ts';
import { excerpt } from '../core/text.ts';

/** The most characters of a person's name or reason. */
const MOST_WORDS = 300;

const VERB = 'sluice.dev/command';
const BY = 'sluice.dev/by';
const WHY = 'sluice.dev/why';
/** The annotation with the answer to an unknown command. */
const ANSWER = 'sluice.dev/answer';

/** The annotations by which a person steers a rollout. */
const command = [VERB, BY, WHY] as const;

export function isCommandAnnotation(name: string): boolean {
  return [...command, ANSWER].some((candidate) => candidate === name);
}

const verb = z.enum(['abort', 'approve', 'freeze']);

/** Milliseconds before the watch is tried again after the API server was unreachable. */
const RETRY = 1_000;

/** The command line to copy, for a person who may patch the record. */
export function commandLine({ namespace, name }: ObjectReference, word: Command['verb']): string {
  return `kubectl -n ${namespace} annotate --overwrite configmap/${name} ${VERB}=${word} ${BY}="$USER" ${WHY}="…"`;
}

/** Writes a command on the record, as the command line does. */
export async function giveCommand(
  client: KubernetesClient,
  object: ObjectReference,
  { verb: word, by, why }: Command,
  signal: AbortSignal,
): Promise<void> {
  await client.patchMerge(object, { metadata: { annotations: { [VERB]: word, [BY]: by, [WHY]: why } } }, signal);
}

/** The command on a record that no rollout has taken yet; undefined if there is none. */
export function waitingCommand({ metadata }: KubernetesObject): string | undefined {
  return metadata.annotations?.[VERB];
}

/** Removes a command that no rollout has taken, so that no later run takes it. */
export async function withdrawCommand(
  client: KubernetesClient,
  object: ObjectReference,
  { verb: word }: Command,
  signal: AbortSignal,
): Promise<void> {
  const seen = await client.find(object, signal);
  if (seen && waitingCommand(seen) === word) await takeOff(client, object, { seen }, signal);
}

/**
 * The commands that people put on the record, each once, until the signal aborts. Removes a command from the record before it
 * yields it, and replaces an unknown one by an answer.
 */
export async function* followCommands(
  client: KubernetesClient,
  object: ObjectReference,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<Command> {
  while (!signal.aborted) {
    // Events of other changes may still show a command that this loop has already removed.
    let taken: string | undefined;
    try {
      const selector = { fieldSelector: `metadata.name=${object.name}` };
      for await (const { type, object: seen } of client.watch(object.type, object.namespace, selector, signal)) {
        const { [VERB]: word, [BY]: by = '', [WHY]: why = '' } = seen.metadata.annotations ?? {};
        const shown = JSON.stringify([word, by, why]);
        if (type !== 'MODIFIED' || word === undefined) taken = undefined;
        if (type === 'DELETED' || word === undefined || shown === taken) continue;
        const known = verb.safeParse(word.trim().toLowerCase());
        const answer = known.success ? undefined : `"${word}" is no command: use ${verb.options.join(', ')}`;
        if (!(await takeOff(client, object, { seen, answer }, signal))) continue;
        taken = shown;
        if (known.success) {
          yield { verb: known.data, by: told(by), why: why === '…' ? '' : excerpt(why, MOST_WORDS) };
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!isSluiceError(error, 'unreachable')) throw error;
      await clock.sleep(RETRY, signal).catch(() => undefined);
    }
  }
}

/** Anyone who may write the annotation can write any name, and the API server does not store who wrote it. */
function told(by: string): string {
  const name = excerpt(by, MOST_WORDS).trim();
  return name === '' ? 'somebody' : `somebody who says to be ${name}`;
}

interface Taken {
  /** The record with the command. */
  readonly seen: KubernetesObject;
  /** What to write in place of a command that is unknown. */
  readonly answer?: string | undefined;
}

/** @returns false if the annotations have changed since they were seen: another event brings the new ones */
async function takeOff(
  client: KubernetesClient,
  object: ObjectReference,
  { seen, answer }: Taken,
  signal: AbortSignal,
): Promise<boolean> {
  const { annotations = {} } = seen.metadata;
  const path = (name: string) => `/metadata/annotations/${name.replace('/', '~1')}`;
  const operations = command
    .filter((name) => annotations[name] !== undefined)
    .flatMap((name): PatchOperation[] => [
      { op: 'test', path: path(name), value: annotations[name] },
      { op: 'remove', path: path(name) },
    ]);
  const reply: PatchOperation[] =
    answer !== undefined
      ? [{ op: 'add', path: path(ANSWER), value: answer }]
      : annotations[ANSWER] === undefined
        ? []
        : [{ op: 'remove', path: path(ANSWER) }];
  try {
    await client.patchJson(object, [...operations, ...reply], signal);
    return true;
  } catch (error) {
    if (!isSluiceError(error, 'conflict')) throw error;
    // Only the holder of the Lease removes commands. If the command is gone, an earlier attempt has removed it and the answer
    // was lost.
    const now = await client.find(object, signal);
    return now !== undefined && now.metadata.annotations?.[VERB] === undefined;
  }
}
