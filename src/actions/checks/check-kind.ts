import * as z from 'zod';
import type { KubernetesClient } from '../../cluster/client.ts';
import type { Source } from '../../gates/ports.ts';
import type { GitHub } from '../../github/client.ts';
import type { LookRule } from '../../judge/looks/look.ts';
import type { Arm } from '../../judge/readings.ts';
import type { PrometheusApi } from '../../meters/prometheus/api.ts';
import type { RemoteServer } from '../../remote/connection.ts';
import { number } from '../../runner/input-types.ts';
import type { SourceWorld } from '../../sources/world.ts';
import type { LoadTarget } from '../../traffic/target.ts';
import { checkName, must, scalar } from './check-list.ts';

/** What a breach leads to: in a gate and in a canary. */
const consequence = z.enum(['fail', 'rollback', 'freeze', 'warn'], must('fail, rollback, freeze or warn'));

/** The settings that every check may have. Each action refuses those that are for another one. */
export const commonSettings = {
  name: checkName.optional(),
  'on-breach': consequence.optional(),
  key: z.boolean(must('true or false')).optional(),
  weight: scalar.pipe(number(0).schema).optional(),
  group: checkName.optional(),
};

type CommonSettings = z.infer<z.ZodObject<typeof commonSettings>>;

/** What checks are built from: the places that they ask, and how strictly the gate judges. */
export interface CheckPlace {
  readonly world: SourceWorld;
  /** The cluster of the inputs, opened with the first use. */
  cluster(): { readonly client: KubernetesClient; readonly namespace: string };
  prometheus(): PrometheusApi;
  /** The server of a connection by its name. @param product for logs and errors: `Alertmanager` */
  server(product: string, connection: string): RemoteServer;
  /** The server at an address, asked without a login. */
  serverAt(product: string, address: string): RemoteServer;
  /** Who gets requests of our own: the server of a connection, or one at an address. */
  loadTarget(to: { readonly connection: string } | { readonly address: string }): LoadTarget;
  /** GitHub by the token of the inputs, and the commit of this run. */
  github(): { readonly client: (signal: AbortSignal) => GitHub; readonly commit: string | undefined };
  /** A query with the names of an arm in the place of `${workload}` and its like. */
  expand(template: string, arm: Arm): string;
  readonly judging: Judging;
}

/** How strictly rates are judged. */
export interface Judging {
  /** Probability that this check fails a rate that is as accepted, over all looks. */
  readonly alpha: number;
  /** Parts of the time that is watched, and the milliseconds that one lasts. */
  readonly parts: number;
  readonly partLength: number;
  readonly designEffect: number;
  readonly mustDetect: number;
  /** Milliseconds that the first look covers, where a check has no `window` of its own. */
  readonly window: number;
}

/** What a check asks and how the answers are judged. */
export interface BuiltCheck {
  readonly source: Source;
  readonly rule: LookRule;
  readonly reference?: { readonly source: Source } | { readonly before: number };
  /** Milliseconds that the first look covers. */
  readonly window: number;
}

/** Which of the other checks may count the requests that a check sends, by their names. */
interface OwnTraffic {
  readonly seenBy: readonly string[];
  readonly notSeenBy: readonly string[];
}

/** How a kind of check is written, and what it becomes. */
interface KindOptions<Kind extends string, Settings> {
  readonly kind: Kind;
  readonly schema: z.ZodType<Settings & CommonSettings & { readonly check: Kind }>;
  /** Whether a breach has an error probability: it is shared by all checks that have one. */
  readonly isStatistical: boolean | ((settings: Settings) => boolean);
  /** An item of the list, for errors and documentation. */
  readonly example: string;
  /** Of a check that sends requests of its own. */
  readonly ownTraffic?: (settings: Settings) => OwnTraffic;
  /** Reads the queries in the settings, and asks nobody. @throws SluiceError `bad-query` */
  readonly verify?: (settings: Settings) => Promise<void>;
  /** @throws SluiceError `invalid-input` */
  readonly build: (settings: Settings, place: CheckPlace) => BuiltCheck;
}

/** One check as it was read. */
export interface CheckInput {
  readonly check: string;
  /** Unique among the checks. */
  readonly name: string;
  /** What is written; undefined where nothing is. */
  readonly onBreach: z.infer<typeof consequence> | undefined;
  readonly key: boolean | undefined;
  readonly weight: number | undefined;
  readonly group: string | undefined;
  readonly isStatistical: boolean;
  /** Where the check sends requests of its own. */
  readonly ownTraffic?: OwnTraffic;
  /** Asks nobody. @throws SluiceError `bad-query` for a query that can not be read */
  readonly verify: () => Promise<void>;
  /** @throws SluiceError `invalid-input` */
  readonly build: (place: CheckPlace) => BuiltCheck;
}

export interface CheckKind {
  readonly kind: string;
  readonly schema: z.ZodType<CheckInput>;
  readonly example: string;
}

export function checkKind<Kind extends string, Settings>(options: KindOptions<Kind, Settings>): CheckKind {
  const { kind, schema, isStatistical, ownTraffic, example, verify, build } = options;
  return {
    kind,
    example,
    schema: schema.transform((settings) => ({
      check: kind,
      name: settings.name ?? kind,
      onBreach: settings['on-breach'],
      key: settings.key,
      weight: settings.weight,
      group: settings.group,
      isStatistical: typeof isStatistical === 'function' ? isStatistical(settings) : isStatistical,
      ...(ownTraffic && { ownTraffic: ownTraffic(settings) }),
      verify: async () => verify?.(settings),
      build: (place) => build(settings, place),
    })),
  };
}
