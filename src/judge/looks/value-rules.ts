import { count, figure } from '../../core/wording.ts';
import { type Criteria, describeCriteria, meets, usedUpOf } from './criteria.ts';
import { type Look, type LookRule, type Measured, noData, type RuleFinding } from './look.ts';
import { type BreachAfter, createRow } from './row.ts';

/** A limit for measured values. The limit itself is accepted. */
export interface ValueLimit {
  readonly above?: number;
  readonly below?: number;
  /** From here on the state is still healthy, with a warning. */
  readonly warnAbove?: number;
  readonly warnBelow?: number;
  /** In the place of these four: what is accepted, and what is accepted with a warning; anything else is a breach. */
  readonly accept?: Criteria;
  readonly acceptWarned?: Criteria;
  /** The four limits are multiples of what the reference answers, criteria name it: `stable`, `the same time 1d before`. */
  readonly reference?: string;
  /** How long the limit has to be crossed until that is a breach; by default one look. */
  readonly breachAfter?: BreachAfter;
  /** Looks beyond the limit that are accepted over the whole time, in a row or not; one more is a breach. */
  readonly acceptedBreaches?: number;
}

interface Limits {
  readonly breach: readonly Limit[];
  readonly warning: readonly Limit[];
}

interface Limit {
  readonly side: 'above' | 'below';
  readonly value: number;
}

/**
 * Measured values against a limit; of several, the worst one decides. NaN, infinity and a missing answer are neither success nor
 * failure, and they end a row of looks beyond the limit no more than they prolong it.
 */
export function valueRule(options: ValueLimit): LookRule {
  const limits: Limits = {
    breach: limitsOf(options.above, options.below),
    warning: limitsOf(options.warnAbove, options.warnBelow),
  };
  let finding: RuleFinding = noData('nothing was measured yet');
  const lasted = createRow(options.breachAfter);
  const all = { within: 0, beyond: 0 };

  function judge(value: Measured, reference: number | undefined, several: number): RuleFinding {
    if (options.accept) return judgeByCriteria(value, options.accept, options, { reference, several });
    const scale = reference ?? 1;
    const crossed = limits.breach.find((limit) => isBeyond(value.value, limit, scale));
    const warned = limits.warning.find((limit) => isBeyond(value.value, limit, scale));
    const shown = (crossed ? [crossed] : limits.breach).map((limit) => describe(limit, scale, options.reference));
    const sentence = `${told(value, several, options, reference)}, breach ${shown.join(' or ')}`;
    const progress = Math.max(0, ...limits.breach.map((limit) => usedUp(value.value, limit, scale)));
    const figures = { value: value.value, ...(reference !== undefined && { reference }), ...figuresOf(limits, scale) };
    if (crossed) return { state: 'breach', progress: 1, sentence, figures };
    if (!warned) return { state: 'healthy', progress, sentence, figures };
    return {
      state: 'healthy',
      warning: true,
      progress,
      sentence: `${sentence}; warning ${describe(warned, scale, options.reference)}`,
      figures,
    };
  }

  /** A breach counts once there are more of them than are accepted, wherever at least one look was within the limit. */
  function tolerated(found: RuleFinding, accepted: number): RuleFinding {
    if (found.state !== 'breach') {
      all.within += 1;
      return found;
    }
    all.beyond += 1;
    const sentence = `${found.sentence}; ${count(all.beyond)} looks beyond it, accepted ${count(accepted)}`;
    if (all.beyond > accepted) return { ...found, sentence };
    if (all.within > 0) return { ...found, state: 'healthy', warning: true, progress: 0.99, sentence };
    return { ...found, state: 'unknown', lacks: 'certainty', progress: 0.99, sentence };
  }

  return {
    add(look, other, at) {
      const values = valuesOf(look);
      if (typeof values === 'string') {
        finding = noData(values);
        return;
      }
      const reference = options.reference === undefined ? undefined : referenceOf(other, options.reference);
      if (typeof reference === 'string') {
        finding = noData(reference);
        return;
      }
      const judged = values.map((value) => judge(value, reference, values.length));
      const worst = judged.toSorted((a, b) => severity(b) - severity(a))[0];
      if (!worst) finding = noData('the answer is empty');
      else if (options.acceptedBreaches === undefined) finding = lasted(worst, at);
      else finding = tolerated(worst, options.acceptedBreaches);
    },
    finding: () => finding,
  };
}

interface Beside {
  readonly reference: number | undefined;
  readonly several: number;
}

function judgeByCriteria(
  value: Measured,
  accept: Criteria,
  options: ValueLimit,
  { reference, several }: Beside,
): RuleFinding {
  const { acceptWarned = [] } = options;
  const named = reference === undefined ? undefined : { of: options.reference ?? 'the reference', value: reference };
  const sentence = `${told(value, several, options, reference)}, accepted ${describeCriteria(accept, named)}`;
  const figures = { value: value.value, ...(reference !== undefined && { reference }) };
  if (meets(value.value, accept, reference))
    return { state: 'healthy', progress: usedUpOf(value.value, accept, reference), sentence, figures };
  const warned =
    acceptWarned.length === 0 ? sentence : `${sentence}; with a warning ${describeCriteria(acceptWarned, named)}`;
  if (!meets(value.value, acceptWarned, reference)) return { state: 'breach', progress: 1, sentence: warned, figures };
  const progress = usedUpOf(value.value, acceptWarned, reference);
  return { state: 'healthy', warning: true, progress, sentence: warned, figures };
}

function told({ of, value }: Measured, several: number, options: ValueLimit, reference: number | undefined): string {
  const named = of === '' ? '' : ` (${of}${several > 1 ? `, the worst of ${count(several)}` : ''})`;
  const compared = reference === undefined ? '' : `, ${options.reference} ${figure(reference)}`;
  return `${figure(value)}${named}${compared}`;
}

/** Counted events of the whole time against a number of them that is accepted: lines of a log, Kubernetes events. */
export function numberRule({ most, words }: { readonly most: number; readonly words: string }): LookRule {
  let bad = 0;
  /** Seen in a window that is not known as a whole. */
  let atLeast = 0;
  let missing: string | undefined = 'nothing was measured yet';
  return {
    add(look) {
      if (look.kind !== 'counts') {
        missing = look.kind === 'missing' ? look.reason : 'the answer is no count';
        atLeast = look.kind === 'missing' ? Math.max(atLeast, look.atLeast ?? 0) : atLeast;
        return;
      }
      missing = undefined;
      atLeast = 0;
      bad += look.bad;
    },
    finding() {
      const seen = bad + atLeast;
      const figures = { bad: seen, limit: most };
      const sentence = `${atLeast > 0 ? 'at least ' : ''}${count(seen)} ${words}, accepted ${count(most)}`;
      if (seen > most) return { state: 'breach', progress: 1, sentence, figures };
      if (missing !== undefined) return { ...noData(missing), figures };
      return { state: 'healthy', progress: most === 0 ? 0 : bad / most, sentence, figures };
    },
  };
}

/** Most sightings that a sentence lists. */
const MOST_LISTED = 3;

/** Whatever a source sees speaks against going on. */
export function sightingRule({
  none,
  breachAfter,
}: {
  /** What is said where nothing is seen: `no alert fires`. */
  readonly none: string;
  readonly breachAfter?: BreachAfter | undefined;
}): LookRule {
  const lasted = createRow(breachAfter);
  let finding: RuleFinding = noData('nothing was looked at yet');
  return {
    add(look, _, at) {
      if (look.kind !== 'sightings') {
        finding = noData(look.kind === 'missing' ? look.reason : 'the answer is of another kind');
        return;
      }
      const { sightings } = look;
      const figures = { seen: sightings.length };
      const listed = sightings.slice(0, MOST_LISTED).map(({ text }) => text);
      const more = sightings.length > MOST_LISTED ? `; and ${count(sightings.length - MOST_LISTED)} more` : '';
      const found: RuleFinding =
        sightings.length > 0
          ? { state: 'breach', progress: 1, sentence: `${listed.join('; ')}${more}`, figures }
          : { state: 'healthy', progress: 0, sentence: none, figures };
      finding = lasted(found, at);
    },
    finding: () => finding,
  };
}

function limitsOf(above: number | undefined, below: number | undefined): Limit[] {
  return [
    ...(above === undefined ? [] : [{ side: 'above' as const, value: above }]),
    ...(below === undefined ? [] : [{ side: 'below' as const, value: below }]),
  ];
}

function valuesOf(look: Look): readonly Measured[] | string {
  if (look.kind === 'missing') return look.reason;
  if (look.kind !== 'values') return 'the answer is no number';
  if (look.values.length === 0) return 'the answer is empty';
  const odd = look.values.find(({ value }) => !Number.isFinite(value));
  return odd ? `the answer is ${odd.value}${odd.of === '' ? '' : ` for ${odd.of}`}` : look.values;
}

/** The one number to compare with. */
function referenceOf(look: Look | undefined, reference: string): number | string {
  if (look === undefined) return `${reference} was not looked at`;
  const values = valuesOf(look);
  if (typeof values === 'string') return `${reference}: ${values}`;
  const [only, ...more] = values;
  if (!only || more.length > 0)
    return `${reference}: the answer has ${values.length} series, where one number is needed`;
  return only.value;
}

function isBeyond(value: number, { side, value: limit }: Limit, scale: number): boolean {
  return side === 'above' ? value > limit * scale : value < limit * scale;
}

function usedUp(value: number, { side, value: limit }: Limit, scale: number): number {
  const used = side === 'above' ? value / (limit * scale) : (limit * scale) / value;
  return Number.isFinite(used) ? Math.min(1, Math.max(0, used)) : 0;
}

function describe({ side, value }: Limit, scale: number, reference: string | undefined): string {
  return reference === undefined
    ? `${side} ${figure(value)}`
    : `${side} ${figure(value * scale)} (${figure(value)} times ${reference})`;
}

function severity({ state, warning, progress }: RuleFinding): number {
  if (state === 'breach') return 3;
  return (warning ? 2 : 0) + progress;
}

function figuresOf({ breach, warning }: Limits, scale: number): Record<string, number> {
  const named = (limits: readonly Limit[], prefix: string) =>
    limits.map(({ side, value }) => [`${prefix}${side === 'above' ? 'Above' : 'Below'}`, value * scale]);
  return Object.fromEntries([...named(breach, 'breach'), ...named(warning, 'warn')]);
}
