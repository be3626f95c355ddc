import type { MeterReadiness } from '../../canary/ports.ts';
import type { Clock } from '../../core/clock.ts';
import { isStableRequest } from '../counting/classify.ts';
import { requireErrors } from '../counting/require-errors.ts';
import { type History, readiness } from '../series/readiness.ts';
import { NAME } from '../series/selector.ts';
import { requireSteady, type Watched } from '../series/steady.ts';
import type { Look } from './look.ts';
import { warningsOf } from './scrape.ts';

/** Milliseconds between two looks. */
export const INTERVAL = 1_000;
/** The most looks of the preflight, until the counters grow. */
const PREFLIGHT_LOOKS = 15;
/** The first looks come in quick succession: if several processes answer in turn, the counters fall. */
const QUICK_LOOKS = 10;
/** Milliseconds between two quick looks. */
const QUICK_INTERVAL = 60;

/** Looks until the counters grow. */
export function createPreflight({ look, catalog, explainNothing }: Look, clock: Clock, inPods: boolean) {
  return async function preflight(signal: AbortSignal): Promise<MeterReadiness> {
    const watched = { stable: new Map<string, Watched>(), canary: new Map<string, Watched>() };
    let notes: string[] = [];
    for (let looks = 1; ; looks += 1) {
      const { answers, found, question } = await look(signal);
      if (!question) throw await explainNothing(answers, signal);
      for (const { arm, counter, sample, starts } of found) {
        if (counter.kind !== 'requests') continue;
        const key = `${counter.instance} ${counter.series}`;
        const history = [...(watched[arm].get(key)?.history ?? []), counter];
        watched[arm].set(key, { name: sample.labels[NAME] ?? '', instance: counter.instance, history, starts });
      }
      if (looks === 1) {
        const requests = found.filter(isStableRequest).map(({ sample }) => sample.labels);
        notes = await requireErrors(question.rules, requests, catalog(signal));
      }
      const [stable, canary] = [[...watched.stable.values()], [...watched.canary.values()]];
      requireSteady([...stable, ...canary]);
      const histories = { stable: stable.map(historyOf), canary: canary.map(historyOf) };
      const result = readiness(`metrics of ${answers.length} ${inPods ? 'pods' : 'gateway pods'}`, histories, [
        ...notes,
        ...warningsOf(answers),
      ]);
      if ((result.traffic && looks >= QUICK_LOOKS) || looks === PREFLIGHT_LOOKS) return result;
      await clock.sleep(looks < QUICK_LOOKS ? QUICK_INTERVAL : INTERVAL, signal);
    }
  };
}

function historyOf({ history }: Watched): History {
  return history;
}
