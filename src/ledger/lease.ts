import * as z from 'zod';
import type { KubernetesClient } from '../cluster/client.ts';
import { ownLabels } from '../cluster/ownership.ts';
import { readObject } from '../cluster/read-object.ts';
import { describe, type ObjectReference } from '../cluster/resources.ts';
import { type KubernetesObject, kubernetesObject, type Manifest } from '../cluster/schema.ts';
import type { Clock } from '../core/clock.ts';
import { isSluiceError, SluiceError } from '../core/errors.ts';

/** Who holds a Lease. */
export interface Holder {
  /** Of the job: a run of the same job that is started again has the same one, and takes its own Lease over at once. */
  readonly identity: string;
  /** For the error that others get: `alice, https://github.com/acme/shop/actions/runs/1`. */
  readonly description: string;
}

export interface LeaseOptions {
  readonly client: KubernetesClient;
  readonly lease: ObjectReference;
  readonly rollout: string;
  readonly holder: Holder;
  readonly clock: Clock;
  /** Milliseconds without a renewal after which a Lease may be taken over; whole seconds. */
  readonly duration: number;
  /** A new word that no other claim has. */
  readonly nonce: () => string;
}

/** A Lease that is held. */
export interface Claim {
  /** Aborts with a SluiceError when somebody else has the Lease, or has deleted it. */
  readonly lost: AbortSignal;
  /** Stops the renewals and lets the next one have it. A Lease that was lost is left alone. */
  release(): Promise<void>;
}

const HELD_BY = 'sluice.dev/held-by';
const NONCE = 'sluice.dev/claim';

/** Milliseconds between two looks at a Lease that somebody else holds. */
const LOOK_INTERVAL = 1_000;

/** Milliseconds to give a Lease back while the API server is away: it runs out by itself soon. */
const GIVE_BACK = 5_000;

const leaseObject = z.looseObject({
  ...kubernetesObject.shape,
  spec: z
    .looseObject({
      holderIdentity: z.string().nullish(),
      leaseDurationSeconds: z.number().nullish(),
      acquireTime: z.string().nullish(),
      renewTime: z.string().nullish(),
      leaseTransitions: z.number().nullish(),
    })
    .prefault({}),
});
type Lease = z.infer<typeof leaseObject>;

/** Milliseconds without a renewal after which the Lease of a dead run may be taken over, where nobody says otherwise. */
export const LEASE_DURATION = 15_000;

/**
 * Takes a Lease and renews it every third of its duration. As in client-go's leader election, a Lease is free when nobody
 * has renewed it for its duration by this process's own clock; times written by others are not compared with it. One that is
 * seen to be renewed is refused at once, so that a live holder is noticed within a third of the duration.
 *
 * @param signal how long to wait for a Lease whose holder seems to be dead
 * @throws SluiceError `locked` with the holder
 */
export async function claimLease(options: LeaseOptions, signal: AbortSignal): Promise<Claim> {
  const { lease, clock, holder, duration } = options;
  const nonce = options.nonce();
  let observed: { readonly version: string; readonly since: number } | undefined;
  for (;;) {
    const found = await find(options, signal);
    if (!found || isFree(found, holder) || expired(found)) {
      const taken = await take(options, found, nonce, signal);
      if (taken) return keep(options, taken, nonce);
      continue;
    }
    const version = found.metadata.resourceVersion ?? '';
    if (observed && observed.version !== version) throw locked(lease, found);
    observed ??= { version, since: clock.now() };
    await wait(found);
  }

  function expired({ metadata, spec }: Lease): boolean {
    const lasts = (spec.leaseDurationSeconds ?? 0) * 1_000 || duration;
    return observed?.version === metadata.resourceVersion && clock.now() - (observed?.since ?? 0) >= lasts;
  }

  async function wait(found: Lease): Promise<void> {
    try {
      await clock.sleep(LOOK_INTERVAL, signal);
    } catch (error) {
      const ranOut = error instanceof Error && error.name === 'TimeoutError';
      throw ranOut ? locked(lease, found) : error;
    }
  }
}

async function find({ client, lease }: LeaseOptions, signal: AbortSignal): Promise<Lease | undefined> {
  const found = await client.find(lease, signal);
  return found && readObject(found, leaseObject);
}

function isFree({ spec }: Lease, { identity }: Holder): boolean {
  return !spec.holderIdentity || spec.holderIdentity === identity;
}

/** @returns undefined when somebody else was faster */
async function take(
  options: LeaseOptions,
  found: Lease | undefined,
  nonce: string,
  signal: AbortSignal,
): Promise<Lease | undefined> {
  const { client, lease, clock, holder } = options;
  const sameHolder = found?.spec.holderIdentity === holder.identity;
  const transitions = found ? (found.spec.leaseTransitions ?? 0) + (sameHolder ? 0 : 1) : 0;
  const manifest = leaseManifest(options, found, nonce, {
    acquireTime: microTime(clock.now()),
    leaseTransitions: transitions,
  });
  try {
    const written = found
      ? await client.replace(lease.type, manifest, signal)
      : await client.create(lease.type, manifest, signal);
    return readObject(written, leaseObject);
  } catch (error) {
    if (!isSluiceError(error, 'conflict')) throw error;
    // An earlier attempt may have succeeded although its answer was lost: the Lease is this claim's then.
    const now = await find(options, signal);
    return now?.metadata.annotations?.[NONCE] === nonce ? now : undefined;
  }
}

function leaseManifest(
  { lease, holder, rollout, clock, duration }: LeaseOptions,
  found: Lease | undefined,
  nonce: string,
  change: Partial<Lease['spec']>,
): Manifest {
  const { name, namespace } = lease;
  const { labels, annotations, resourceVersion } = found?.metadata ?? {};
  return {
    apiVersion: lease.type.apiVersion,
    kind: lease.type.kind,
    metadata: {
      name,
      namespace,
      ...(resourceVersion !== undefined && { resourceVersion }),
      labels: { ...labels, ...ownLabels(rollout) },
      annotations: { ...annotations, [HELD_BY]: holder.description, [NONCE]: nonce },
    },
    spec: {
      ...found?.spec,
      holderIdentity: holder.identity,
      leaseDurationSeconds: Math.round(duration / 1_000),
      renewTime: microTime(clock.now()),
      ...change,
    },
  };
}

/**
 * Renews until it is released. While the API server is away, or refuses everybody as it has just started, it goes on trying,
 * as nobody else can take the Lease then either: a rollout survives an outage that is longer than the Lease. Who comes back late and finds it taken has lost it;
 * until that is noticed, the record's resourceVersion keeps a late writer from acting.
 */
function keep(options: LeaseOptions, taken: Lease, nonce: string): Claim {
  const { client, lease, clock, duration } = options;
  const stop = new AbortController();
  const lost = new AbortController();
  let current = taken;

  async function renewForever(): Promise<never> {
    for (;;) {
      await clock.sleep(duration / 3, stop.signal);
      try {
        await write({}, stop.signal);
      } catch (error) {
        if (!isSluiceError(error) || error.code === 'locked') throw error;
      }
    }
  }

  /** Writes the Lease as long as this claim has it, whoever else may have touched it. */
  async function write(change: Partial<Lease['spec']>, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      try {
        const manifest = leaseManifest(options, current, nonce, change);
        current = readObject(await client.replace(lease.type, manifest, signal), leaseObject);
        return;
      } catch (error) {
        if (!isSluiceError(error, 'conflict') && !isSluiceError(error, 'not-found')) throw error;
        const now = await find(options, signal);
        if (now?.metadata.annotations?.[NONCE] !== nonce) throw takenOver(lease, now);
        current = now;
      }
    }
  }

  const renewals = renewForever().catch((error: unknown) => {
    if (!stop.signal.aborted) lost.abort(error);
  });

  return {
    lost: lost.signal,
    async release() {
      stop.abort();
      await renewals;
      if (lost.signal.aborted) return;
      const late = AbortSignal.timeout(GIVE_BACK);
      try {
        await write({ holderIdentity: '' }, late);
      } catch (error) {
        // Somebody else holds or has deleted the Lease, so it is not released. A Lease that can't be released expires.
        if (!isSluiceError(error) && !late.aborted) throw error;
      }
    },
  };
}

/** The API's MicroTime has exactly six digits of a second. */
function microTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('Z', '000Z');
}

function locked(lease: ObjectReference, found: KubernetesObject): SluiceError {
  const { spec, metadata } = readObject(found, leaseObject);
  const by = metadata.annotations?.[HELD_BY] ?? spec.holderIdentity;
  const since = spec.acquireTime ? ` since ${spec.acquireTime.replace(/\.\d+Z$/, 'Z')}` : '';
  return new SluiceError('locked', {
    about: describe(lease),
    problem: `another run holds it${since}: ${by}.`,
    next: 'Wait until it has ended, or abort it; a "concurrency" group in the workflow makes runs wait for each other.',
  });
}

function takenOver(lease: ObjectReference, found: Lease | undefined): SluiceError {
  if (found) return locked(lease, found);
  return new SluiceError('locked', {
    about: describe(lease),
    problem: 'was deleted meanwhile, so that another run could begin.',
    next: 'Run again, and find out who deletes it.',
  });
}
