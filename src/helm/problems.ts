import { type ErrorCode, SluiceError } from '../core/errors.ts';
import type { Ended } from '../core/process.ts';
import { endsOf } from '../core/text.ts';

/** What a Helm command was called for. */
export interface HelmCall {
  /** `upgrade` */
  readonly command: string;
  readonly release: string;
  readonly namespace: string;
}

interface Known {
  readonly sign: RegExp;
  readonly code: ErrorCode;
  /** The subject, from the first group of `sign`; without this function, the subject is the release. */
  readonly about?: (found: string) => string;
  readonly next: string | ((call: HelmCall) => string);
}

/** What to do about a release whose record names kinds that the cluster no longer serves. */
export function adviceForGoneKinds(release: string, namespace: string): string {
  return `Where Kubernetes has removed a version, correct Helm's record: \`helm plugin install https://github.com/helm/helm-mapkubeapis\` and \`helm mapkubeapis ${release} --namespace ${namespace}\`. Where a CustomResourceDefinition was deleted, install it again. "mode: uninstall" removes the release without either.`;
}

const goneKind = /no matches for kind|resource mapping not found|unable to recognize/.source;

/** Known messages of Helm and the API server, in the order in which they are tried: the first match is the cause. */
const known: readonly Known[] = [
  {
    sign: new RegExp(`(?:current release manifest|kubernetes objects for delete)[^]*(?:${goneKind})`),
    code: 'unsupported',
    next: ({ release, namespace }) => adviceForGoneKinds(release, namespace),
  },
  {
    sign: new RegExp(goneKind),
    code: 'invalid-input',
    about: () => 'the chart',
    next: 'Install the CustomResourceDefinition of that kind first, or write the version of it that this cluster serves (`kubectl api-resources` lists them).',
  },
  {
    sign: /release: not found|has no deployed releases/,
    code: 'not-found',
    next: 'Check "release" and "namespace", or deploy it first.',
  },
  {
    sign: /values don't meet the specifications of the schema/,
    code: 'invalid-input',
    about: () => 'values',
    next: "Give the value as the chart's values.schema.json asks for.",
  },
  {
    sign: /another operation \(install\/upgrade\/rollback\) is in progress/,
    code: 'locked',
    next: 'Somebody deploys it without Sluice; wait until that has ended, and run again.',
  },
  {
    sign: /exceeded quota: ([^,\s]+)/,
    code: 'failed',
    about: (quota) => `ResourceQuota ${quota}`,
    next: 'Ask for less in the values, or raise the quota.',
  },
  {
    sign: /field is immutable|may not change once set|updates to statefulset spec for fields other than/,
    code: 'invalid-input',
    next: 'Give the object another name in the chart, or delete it before the next run if it may be gone for a while.',
  },
  {
    sign: /Apply failed with \d+ conflicts?|conflict occurred while applying object/,
    code: 'conflict',
    next: 'Leave the fields to the one who holds them, or take them over with force-conflicts: true.',
  },
  {
    sign: /invalid ownership metadata/,
    code: 'conflict',
    next: 'Another release or person made that object: rename it in the chart, or give it to this release (annotations meta.helm.sh/release-name and -namespace).',
  },
  {
    sign: /found in Chart\.yaml, but missing in charts\/ directory/,
    code: 'not-found',
    about: () => 'dependencies of the chart',
    next: 'Run `helm dependency build` in an earlier step, or package the chart with them.',
  },
  {
    sign: /\b401\b|[Uu]nauthorized|authentication required|no basic auth credentials/,
    code: 'forbidden',
    next: 'Check "username" and "password" for the chart, and the credentials in the kubeconfig for the cluster.',
  },
  {
    sign: /is forbidden: User|\b403\b|denied: /,
    code: 'forbidden',
    next: 'Give the account that right (the README has the Role), or use other credentials.',
  },
  {
    sign: /pre-\w+ hooks? failed|post-\w+ hooks? failed|hook \S+ .*failed|failed (?:pre|post)-\w+|Job \S+ failed|job .* failed: BackoffLimitExceeded/i,
    code: 'failed',
    about: () => 'a hook of the chart',
    next: 'Its log is above, or in the pod of its Job; run it by hand, mend it, and deploy again.',
  },
  {
    sign: /context deadline exceeded|timed out waiting|resource .* not ready|would exceed context deadline/,
    code: 'not-ready',
    next: 'See above what its pods wait for; a longer "timeout" helps only if they were on their way.',
  },
  {
    sign: /context canceled/,
    code: 'cancelled',
    next: 'Run the workflow again.',
  },
  {
    sign: /Kubernetes cluster unreachable|connection to the server .* was refused/,
    code: 'unreachable',
    next: 'Check that the cluster is reachable from this runner (server address, proxy, firewall).',
  },
  {
    sign: /(?:chart "[^"]+" (?:version "[^"]+" )?(?:matching \S+ )?not found|no chart version found|no chart name found|could not locate a version|manifest unknown|failed to perform "FetchReference"|repo \S+ not found|path "[^"]*" not found|: not found$|404 Not Found)/m,
    code: 'not-found',
    about: () => 'chart',
    next: 'Check "chart", "repository" and "version"; a path is one of the repository, checked out in an earlier step.',
  },
  {
    sign: /connection refused|no such host|i\/o timeout|is not a valid chart repository or cannot be reached|TLS handshake/,
    code: 'unreachable',
    about: () => 'the repository of the chart',
    next: 'Check its address, and that this runner may reach it.',
  },
  {
    sign: /executing "|parse error at|error converting YAML|YAML parse error|Chart\.yaml file is missing|chart\.metadata|validation: /,
    code: 'invalid-input',
    about: () => 'the chart, or what its values make of it,',
    next: 'Mend the template at the place that Helm names; `helm template` shows the same on your machine.',
  },
];

/** The error for the output of a failed command. */
export function helmError(call: HelmCall, { exitCode, stdout, stderr }: Ended): SluiceError {
  const { command, release, namespace } = call;
  const said = endsOf(saying(stderr) || saying(stdout));
  const found = known.find(({ sign }) => sign.test(said));
  const subject = `release ${namespace}/${release}`;
  const first = found?.sign.exec(said)?.[1] ?? '';
  const ending = exitCode === undefined ? 'was ended by a signal' : `ended with status ${exitCode}`;
  return new SluiceError(found?.code ?? 'failed', {
    about: found?.about?.(first) ?? subject,
    problem:
      said === '' ? `helm ${command} ${ending} and said nothing.` : `helm ${command}: ${withPoint(shortened(said))}`,
    next: (typeof found?.next === 'function' ? found.next(call) : found?.next) ?? 'Look at what Helm has said above.',
  });
}

/** Helm's error without its log lines, and without the lines of `helm lint` about things that are right. */
function saying(output: string): string {
  const lines = output
    .split('\n')
    .map((line) => line.trimEnd())
    .filter(
      (line) =>
        line !== '' && !/^(level=|time=|WARNING|\[INFO\]|==> |Use --debug|Error: \d+ chart\(s\) linted)/.test(line),
    )
    .map((line) => line.replace(/^(Error: |\[ERROR\] )/, '').replace(/^(UPGRADE|INSTALLATION) FAILED: /, ''));
  return [...new Set(lines)].join('\n').trim();
}

const LONGEST = 1_200;

/** The API server quotes whole pod templates, and says at the end what is wrong with them. */
function shortened(text: string): string {
  const short = text.replaceAll(/(Invalid value: )[{[].*[}\]](: )/g, '$1(…)$2');
  return short.length <= LONGEST ? short : `${short.slice(0, LONGEST / 2)} … ${short.slice(-LONGEST / 2)}`;
}

function withPoint(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
