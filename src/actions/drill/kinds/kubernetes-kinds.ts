import type { PodTarget } from '../../../drills/faults/choose-pods.ts';
import { cpuStressFault } from '../../../drills/faults/cpu-stress.ts';
import { nodeDrainFault } from '../../../drills/faults/node-drain.ts';
import { podKillFault } from '../../../drills/faults/pod-kill.ts';
import { scaleToZeroFault } from '../../../drills/faults/scale-to-zero.ts';
import type { FaultKind, FaultSettings } from './fault-kind.ts';
import type { ShortForm } from './short-form.ts';

const workloads = ['deployment', 'statefulset'];
const wholeNumber = /^\d{1,6}$/;

/** The pods that a line names: one of them, if it does not say how many. */
export function podTarget(form: ShortForm, settings: Pick<FaultSettings, 'namespace'>): PodTarget {
  const { on, namespace = settings.namespace, mode = { kind: 'one' } } = form;
  if (!on || !('selector' in on)) throw new TypeError(`"${form.text}" is refused without pods`);
  return { namespace, selector: on.selector, mode };
}

/** What is wrong with what a line says of pods. */
export function podProblem({ on }: ShortForm): string | undefined {
  if (!on) return 'does not say on which pods';
  if ('kind' in on && ![...workloads, 'service'].includes(on.kind)) return `is on a ${on.kind}, which has no pods`;
  return undefined;
}

function timeProblem({ lasts }: ShortForm): string | undefined {
  return lasts === undefined ? undefined : 'is over at once, and has no time: leave out "for"';
}

function wordsProblem({ words }: ShortForm, most = 0): string | undefined {
  const odd = words[most];
  return odd === undefined ? undefined : `has "${odd}", which it does not know`;
}

function numberProblem({ settings }: ShortForm, ...names: readonly string[]): string | undefined {
  const odd = names.find((name) => !wholeNumber.test(settings.get(name) ?? '0'));
  return odd === undefined ? undefined : `needs a whole number after "${odd}"`;
}

const podKill: FaultKind = {
  kind: 'pod-kill',
  about:
    'Deletes pods. Their controllers replace them. `grace 0` gives them no time to end, as the loss of a node does.',
  example: 'pod-kill on app=checkout one',
  settings: ['grace'],
  isOnPods: true,
  problem: (form) => podProblem(form) ?? timeProblem(form) ?? wordsProblem(form) ?? numberProblem(form, 'grace'),
  build(form, settings, world) {
    const grace = form.settings.get('grace');
    const target = podTarget(form, settings);
    const { ignoreBudgets } = settings;
    return podKillFault(
      { text: form.text, target, ignoreBudgets, ...(grace !== undefined && { grace: Number(grace) }) },
      world,
    );
  },
};

const nodeDrain: FaultKind = {
  kind: 'node-drain',
  about:
    'Cordons a node and evicts its pods, as `kubectl drain` does: that of a pod, or one by its name. Uncordons it afterwards.',
  example: 'node-drain on app=checkout one for 2m',
  settings: [],
  isOnPods: true,
  problem: (form) => {
    const { on, mode } = form;
    const isNode = on && 'kind' in on && on.kind === 'node';
    const many = mode !== undefined && mode.kind !== 'one' ? 'drains more than one node' : undefined;
    const odd = form.words.find((word) => !drainWords.has(word));
    return (
      (isNode ? undefined : podProblem(form)) ??
      many ??
      (odd === undefined ? undefined : `has "${odd}", which it does not know`)
    );
  },
  build(form, settings, world) {
    const { on, text, lasts = settings.maxDuration } = form;
    const target = on && 'kind' in on ? { node: on.name } : podTarget(form, settings);
    const says = (word: string) => form.words.includes(word);
    const limits = { deleteEmptyDirData: says('delete-emptydir-data'), unmanaged: says('unmanaged') };
    return nodeDrainFault({ text, lasts, target, ...limits, acceptPending: says('accept-pending') }, world);
  },
};
const drainWords = new Set(['delete-emptydir-data', 'unmanaged', 'accept-pending']);

const scaleToZero: FaultKind = {
  kind: 'scale-to-zero',
  about: 'Scales a workload to no pods, or `to N`, and back.',
  example: 'scale-to-zero on deployment/checkout for 30s',
  settings: ['to'],
  isOnPods: false,
  problem: (form) => {
    const { on } = form;
    if (!on || !('kind' in on) || !workloads.includes(on.kind)) return 'needs a workload: on deployment/NAME';
    return wordsProblem(form) ?? numberProblem(form, 'to');
  },
  build({ on, text, settings: given, namespace, lasts }, settings, world) {
    if (!on || !('kind' in on)) throw new TypeError(`"${text}" is refused without a workload`);
    const workload = { kind: on.kind === 'statefulset' ? 'StatefulSet' : 'Deployment', name: on.name } as const;
    const to = Number(given.get('to') ?? 0);
    const { gitops, maxDuration } = settings;
    const place = namespace ?? settings.namespace;
    return scaleToZeroFault({ text, namespace: place, workload, to, gitops, lasts: lasts ?? maxDuration }, world);
  },
};

const cpuStress: FaultKind = {
  kind: 'cpu-stress',
  about: 'Burns processor time on the nodes of pods, by a pod beside each with so many workers.',
  example: 'cpu-stress 2 on app=checkout one for 60s',
  settings: [],
  isOnPods: true,
  problem: (form) => {
    const [workers = '1'] = form.words;
    if (!/^[1-9]\d{0,2}$/.test(workers)) return `has "${workers}", which is no number of workers`;
    return podProblem(form) ?? wordsProblem(form, 1);
  },
  build(form, settings, world) {
    const { text, words, lasts = settings.maxDuration } = form;
    const target = podTarget(form, settings);
    const { stressImage: image } = settings;
    return cpuStressFault({ text, target, workers: Number(words[0] ?? 1), image, lasts }, world);
  },
};

/** Faults that need nothing but Kubernetes. */
export const kubernetesKinds: readonly FaultKind[] = [podKill, nodeDrain, scaleToZero, cpuStress];
