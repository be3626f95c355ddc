import * as z from 'zod';
import type { KubernetesClient } from '../cluster/client.ts';
import { ownLabels } from '../cluster/ownership.ts';
import { readObject } from '../cluster/read-object.ts';
import { describe, type ObjectReference } from '../cluster/resources.ts';
import { type KubernetesObject, kubernetesObject, type Manifest } from '../cluster/schema.ts';
import type { Clock } from '../core/clock.ts';
import { isSluiceError, SluiceError } from '../core/errors.ts';

/** The holder of a Lease. */
export interface Holder {
  /** The identity of the job: when the same job is run again, it has the same one and takes over its own Lease at once. */
  readonly identity: string;
  /** The holder's name in the errors of others: `alice, https://github.com/acme/shop/actions/runs/1`. */
  readonly description: string;
}

export interface LeaseOptions {
  readonly client: KubernetesClient;
  readonly lease: ObjectReference;
  readonly rollout: string;
  readonly holder: Holder;
  readonly clock: Clock;
  /** Milliseconds without a renewal after which a Lease may be taken over; a multiple of 1,000. */
  readonly duration: number;
  /** Returns a unique text for each claim. */
  readonly nonce: () => string;
}

/** A Lease that this process holds. */
export interface Claim {
  /** Aborts with a SluiceError when somebody else has taken or deleted the Lease. */
  readonly lost: AbortSignal;
  /** Stops the renewals and frees the Lease. A lost Lease is not touched. */
  release(): Promise<void>;
}

const HELD_BY = 'sluice.dev/held-by';
const NONCE = 'sluice.dev/claim';

/** Milliseconds between two looks at a Lease that somebody else holds. */
const LOOK_INTERVAL = 1_000;

/** The most milliseconds for releasing a Lease while the API server is away: it expires soon anyway. */
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

/** By default, milliseconds without a renewal after which the Lease of a dead run may be taken over. */
export const LEASE_DURATION = 15_000;

/**
 * Takes a Lease and renews it every third of its duration. As in client-go's leader election, a Lease is free when nobody has
 * renewed it for its duration by this process's own clock; times that others wrote are not compared with the clock. As soon as
 * a renewal is seen, the claim is refused, so a live holder is noticed within a third of the duration.
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

/** @returns undefined if somebody else was faster */
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
    // An earlier attempt may have succeeded although its answer was lost: then the Lease has this claim's nonce.
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
 * Renews the Lease until it is released. Keeps trying while the API server is away, or denies everything as it has just
 * started: nobody else can take the Lease then, so a rollout survives an outage that is longer than the Lease. If somebody else
 * has taken the Lease meanwhile, it is lost. Until that is noticed, the record's resourceVersion prevents late writes.
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

  /** Writes the Lease while it belongs to this claim, even if others have changed it in between. */
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

/** The API's MicroTime has exactly six decimals of a second. */
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
