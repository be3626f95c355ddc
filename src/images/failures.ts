import { SluiceError } from '../core/errors.ts';
import type { BuildStep } from './progress.ts';

/** How a build program failed. */
export interface FailedBuild {
  /** `docker buildx build` */
  readonly program: string;
  readonly exitCode: number | undefined;
  readonly steps: readonly BuildStep[];
  /** Its output besides the steps. */
  readonly texts: readonly string[];
}

const LAST_LINES = 15;

/** Characters of a line that are read: lines of a step may have any length. */
const LONGEST = 2_000;

/** The error for a failed build: which step, its last lines, and what to do. */
export function buildFailure({ program, exitCode, steps, texts }: FailedBuild): SluiceError {
  // A step that was cancelled because another one failed is not the cause.
  const failing = steps.filter(({ error }) => error !== undefined);
  const step = failing.find(({ error }) => !/context canceled/i.test(error ?? '')) ?? failing[0];
  const error = cut(step?.error ?? lastError(texts) ?? `ended with exit status ${exitCode ?? 'unknown'}`);
  const about = step ? `build step ${step.name}` : program;
  const lines = [...(step?.lines ?? [])].slice(-LAST_LINES).map(cut);
  const said = [step?.name ?? '', error, ...lines, ...texts.slice(-LAST_LINES)].map(cut).join('\n');
  const last = lines.length === 0 ? '' : ` Its last lines:\n${lines.map((line) => `  | ${line}`).join('\n')}\n`;
  for (const { pattern, code, next } of causes) {
    if (pattern.test(said)) return new SluiceError(code, { about, problem: `failed: ${sentence(error)}${last}`, next });
  }
  const next = step ? 'Correct the step and run again; nothing was pushed under a tag.' : 'Look at its lines above.';
  return new SluiceError('failed', { about, problem: `failed: ${sentence(error)}${last}`, next });
}

const causes: readonly { pattern: RegExp; code: SluiceError['code']; next: string }[] = [
  {
    pattern: /waiting for connection|listing workers/i,
    code: 'unreachable',
    next: 'BuildKit does not answer: see whether it runs at "buildkit-address", or the builder of "builder" with docker buildx inspect.',
  },
  {
    pattern: /no space left on device|ENOSPC|disk quota exceeded/i,
    code: 'failed',
    next: 'The disk of the builder is full: remove its cache (docker buildx prune), or give it a larger disk. Nothing was pushed under a tag.',
  },
  {
    pattern: /exit code: 137|signal: killed|cannot allocate memory|out of memory/i,
    code: 'failed',
    next: 'The step was killed, most likely because memory ran out: give the builder more, or let the step do less at once.',
  },
  {
    pattern:
      /401 Unauthorized|403 Forbidden|authorization failed|insufficient_scope|access denied|denied:|authentication required/i,
    code: 'forbidden',
    next: 'The registry refuses these credentials: for a base image they need the right to pull, for the image itself the right to push.',
  },
  {
    pattern: /failed to resolve source metadata.*not found|manifest unknown|pull access denied/is,
    code: 'not-found',
    next: 'The base image does not exist in its registry: correct its name and tag in the Dockerfile.',
  },
  {
    pattern:
      /connection refused|i\/o timeout|no such host|connection reset|TLS handshake|server misbehaving|unexpected EOF/i,
    code: 'unreachable',
    next: 'See whether the registry, or the server that the step talks to, is up and can be reached from the builder, then run again.',
  },
  {
    pattern: /dockerfile parse error|unknown instruction|target stage .* could not be found/i,
    code: 'invalid-input',
    next: 'Correct the Dockerfile, or the input "target".',
  },
];

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/** buildx and buildah print `ERROR: …` and `Error: …` at the end. */
function lastError(texts: readonly string[]): string | undefined {
  const line = texts.findLast((text) => /^\s*(?:error|fatal)\b/i.test(text)) ?? texts.at(-1);
  return line?.replace(/^\s*error:?\s*/i, '').trim();
}

function sentence(text: string): string {
  const trimmed = text.trim();
  return /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}
