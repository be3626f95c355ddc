import * as z from 'zod';
import { parseJson } from '../core/json.ts';
import { singleLine } from '../core/text.ts';

/** A line of `buildx build --progress=rawjson`: https://github.com/moby/buildkit/blob/master/client/graph.go */
const solveStatus = z.object({
  vertexes: z
    .array(
      z.object({
        digest: z.string(),
        name: z.string(),
        started: z.string().optional(),
        completed: z.string().optional(),
        cached: z.boolean().optional(),
        error: z.string().optional(),
      }),
    )
    .nullish(),
  logs: z.array(z.object({ vertex: z.string(), data: z.string() })).nullish(),
});

/** One step of a build, as far as it is known. */
export interface BuildStep {
  /** `[build 2/4] RUN make` */
  readonly name: string;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly cached: boolean;
  readonly error?: string;
  /** The last lines of its output. */
  readonly lines: readonly string[];
}

/** What a line of progress means for a reader of the log. */
export type ProgressNote =
  | { readonly kind: 'started' | 'done' | 'cached'; readonly step: string; readonly milliseconds?: number }
  | { readonly kind: 'failed'; readonly step: string; readonly error: string }
  | { readonly kind: 'output'; readonly step: string; readonly line: string }
  | { readonly kind: 'text'; readonly line: string };

const MOST_LINES = 40;

/** Reads the output of a build program, line by line. */
export interface Follower {
  note(line: string): ProgressNote[];
  steps(): BuildStep[];
  /** Output besides the steps: errors of the program itself. */
  texts(): readonly string[];
}

/** Follows a build by BuildKit's progress lines. */
export function followBuildKit(): Follower {
  const steps = new Map<string, BuildStep>();
  const open = new Map<string, string>();
  const texts: string[] = [];

  function note(line: string): ProgressNote[] {
    const status = parse(line);
    if (!status) {
      if (line.trim() === '') return [];
      const text = shortened(line);
      texts.push(text);
      return [{ kind: 'text', line: text }];
    }
    return [...(status.vertexes ?? []).flatMap(changed), ...(status.logs ?? []).flatMap(printed)];
  }

  function changed(vertex: NonNullable<z.infer<typeof solveStatus>['vertexes']>[number]): ProgressNote[] {
    const before = steps.get(vertex.digest);
    const step: BuildStep = {
      name: singleLine(vertex.name),
      cached: vertex.cached ?? false,
      lines: before?.lines ?? [],
      // A step that has paused reports another start.
      ...(vertex.started !== undefined && { startedAt: before?.startedAt ?? Date.parse(vertex.started) }),
      ...(vertex.completed !== undefined && { endedAt: Date.parse(vertex.completed) }),
      ...(vertex.error && { error: vertex.error }),
    };
    steps.set(vertex.digest, step);
    // BuildKit's internal steps are of no interest to a reader.
    if (step.name.startsWith('[internal]') && step.error === undefined) return [];
    const notes: ProgressNote[] = [];
    if (step.startedAt !== undefined && before?.startedAt === undefined && !step.cached)
      notes.push({ kind: 'started', step: step.name });
    if (step.error !== undefined && before?.error === undefined) {
      notes.push({ kind: 'failed', step: step.name, error: step.error });
    } else if (step.endedAt !== undefined && before?.endedAt === undefined) {
      const milliseconds = step.startedAt === undefined ? 0 : Math.max(0, step.endedAt - step.startedAt);
      notes.push({ kind: step.cached ? 'cached' : 'done', step: step.name, milliseconds });
    }
    return notes;
  }

  function printed({ vertex, data }: { vertex: string; data: string }): ProgressNote[] {
    const step = steps.get(vertex);
    // A piece of output may end within a line; the next piece continues it.
    const lines = Buffer.from(data, 'base64').toString('utf8').split(/\r?\n/);
    lines[0] = (open.get(vertex) ?? '') + lines[0];
    const cut = lines.map(shortened);
    open.set(vertex, cut.pop() ?? '');
    return cut.filter((line) => line.trim() !== '').map((line) => keep(vertex, step, line));
  }

  function keep(vertex: string, step: BuildStep | undefined, line: string): ProgressNote {
    const current = steps.get(vertex) ?? step;
    if (current) steps.set(vertex, { ...current, lines: [...current.lines, line].slice(-MOST_LINES) });
    return { kind: 'output', step: current?.name ?? '', line };
  }

  return {
    note,
    steps(): BuildStep[] {
      // Adds the output after the last line break.
      return [...steps].map(([vertex, step]) => {
        const rest = open.get(vertex)?.trim() ?? '';
        return rest === '' ? step : { ...step, lines: [...step.lines, rest].slice(-MOST_LINES) };
      });
    },
    texts: () => texts,
  };
}

/** Follows a build by buildah's output: `STEP 2/3: RUN make`, the output of the step, and an `Error:` at the end. */
export function followBuildah(): Follower {
  const steps: BuildStep[] = [];
  const texts: string[] = [];
  return {
    note(given) {
      const line = shortened(given);
      const [, name] = /^(?:\[\d+\/\d+\] )?STEP (\d+\/\d+: .*)$/.exec(line) ?? [];
      const current = steps.at(-1);
      if (name !== undefined) {
        steps.push({ name, cached: false, lines: [] });
        return [{ kind: 'started', step: name }];
      }
      if (line.trim() === '') return [];
      if (!current || /^Error: /.test(line)) {
        texts.push(line);
        if (current) steps[steps.length - 1] = { ...current, error: line.replace(/^Error: /, '') };
        return [{ kind: 'text', line }];
      }
      steps[steps.length - 1] = { ...current, lines: [...current.lines, line].slice(-MOST_LINES) };
      return [{ kind: 'output', step: current.name, line }];
    },
    steps: () => steps,
    texts: () => texts,
  };
}

/** The slowest steps, longest first; milliseconds. */
export function slowest(steps: readonly BuildStep[], count: number): { name: string; milliseconds: number }[] {
  return steps
    .flatMap(({ name, startedAt, endedAt, cached }) =>
      cached || startedAt === undefined || endedAt === undefined ? [] : [{ name, milliseconds: endedAt - startedAt }],
    )
    .filter(({ milliseconds }) => milliseconds > 0)
    .toSorted((a, b) => b.milliseconds - a.milliseconds)
    .slice(0, count);
}

/** Characters of a line that are kept: a step may print an endless line. */
const LONGEST_LINE = 10_000;

function shortened(line: string): string {
  return line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line;
}

function parse(line: string): z.infer<typeof solveStatus> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return solveStatus.parse(parseJson(line));
  } catch {
    // Other output of a program.
    return undefined;
  }
}
