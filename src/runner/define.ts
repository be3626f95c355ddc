import type * as z from 'zod';
import type { KubernetesClient } from '../cluster/client.ts';
import type { Clock } from '../core/clock.ts';
import type { Permission } from '../core/permission.ts';
import type { RunnerFacts } from './github.ts';
import type { InputsSchema } from './input-schema.ts';
import type { LogSink } from './log-text.ts';
import type { GivenInputs } from './parse-inputs.ts';
import type { Redact } from './redact.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** `main` does the work; `post` runs after the job, whatever happened, and concludes what `main` was stopped in. */
export type Step = 'main' | 'post';

/** One Role of the documentation. */
export interface DocumentedRole {
  /** What needs it, where an action has several. */
  readonly title?: string;
  /** Name of the Role, where it is not that of a release. */
  readonly name?: string;
  readonly permissions: readonly Permission[];
}

/** The place of an example: nothing is asked of its client. */
export interface ExamplePlace {
  readonly client: KubernetesClient;
  readonly namespace: string;
  readonly clock: Clock;
}

/** What documentation and action.yml are written from. */
export interface ActionInterface<Output extends string = string> {
  /** Its folder below `actions`. */
  readonly name: string;
  readonly inputs: InputsSchema;
  /** Name → description. */
  readonly outputs: Readonly<Record<Output, string>>;
  /** Group of inputs → title of its table, in the order of the documentation. */
  readonly groups: Readonly<Record<string, string>>;
  /** The rights on the cluster that it needs, by the same lists that a run checks before its first write. */
  readonly permissions?: (place: ExamplePlace) => readonly DocumentedRole[];
  /** The composite action in the root, whose first and last step this one is. */
  readonly composite?: CompositeAction;
}

/** A composite action; its outputs are those of its last part. */
export interface CompositeAction extends Pick<ActionInterface, 'inputs' | 'outputs' | 'groups'> {
  readonly parts: readonly CompositePart[];
}

/** One step of a composite action. */
export interface CompositePart {
  readonly id: string;
  /** Folder of the action below `actions`. */
  readonly action: string;
  /** An expression, without which the step always runs after those before it. */
  readonly if?: string;
  /** Name of the action's input → what it is given, with expressions in it. */
  readonly with: Readonly<Record<string, string>>;
  /** Why it is there and when, as a comment. */
  readonly comment?: string;
}

/** What inputs are read with. */
export interface Start {
  readonly step: Step;
  readonly env: Environment;
  readonly facts: RunnerFacts;
  /** Aborts when the job is cancelled. */
  readonly signal: AbortSignal;
  /** Masks secrets in the runner's log, and takes them out of all that this run writes. */
  mask(secrets: readonly string[]): void;
}

/** How annotations of the run are made. */
export type Annotate = (message: string, properties?: { readonly title: string }) => void;

/** Results of a run: its outputs, its JSON report at `path`, and its part of the job's summary. */
export interface Results<Output extends string> {
  readonly outputs: Readonly<Record<Output, string>>;
  readonly report: unknown;
  readonly path: string;
  readonly summary: string;
  /** Writes what lies beside the report. */
  readonly beside?: () => Promise<void>;
}

/** One process of an action. No secret gets into what it writes. */
export interface Run<Inputs, Output extends string> {
  readonly step: Step;
  readonly inputs: Inputs;
  readonly env: Environment;
  readonly facts: RunnerFacts;
  readonly clock: Clock;
  readonly redact: Redact;
  /** Masks secrets that are found now: from here on, nothing that this run writes shows them. */
  mask(secrets: readonly string[]): void;
  /** Aborts when the job is cancelled; in `post`, never. */
  readonly signal: AbortSignal;
  readonly log: LogSink;
  readonly annotate: { readonly notice: Annotate; readonly warning: Annotate; readonly error: Annotate };
  /** Sets the exit status; a message becomes an annotation. */
  fail(message?: string): void;
  output(name: Output, value: string): void;
  /** Adds Markdown to the summary of the job. */
  summarize(markdown: string): Promise<void>;
  /** Hands over the results; a report that can't be written is only warned of. */
  publish<Name extends Output>(results: Results<Name>): Promise<void>;
}

/** What both kinds of action have. */
export interface CommonAction<Inputs, Output extends string> extends ActionInterface<Output> {
  /** The secrets among the inputs, which are masked before anything else happens. */
  readonly secrets?: (given: GivenInputs) => readonly string[];
  /** @throws SluiceError `invalid-input` that names everything that is wrong, and quotes no secret */
  readonly read: (given: GivenInputs, start: Start) => Inputs | Promise<Inputs>;
}

/** What `main` leaves for `post`, which is a process of its own. It holds no secret. */
export interface SavedState<State> {
  readonly name: string;
  readonly schema: z.ZodType<State>;
}

/** A run that keeps a state for its `post`. */
export interface PlainRun<Inputs, Output extends string, State = never> extends Run<Inputs, Output> {
  save(state: State): void;
}

/** An action that sets its outputs itself. What it throws fails the job. */
export interface PlainAction<Inputs, Output extends string, State = never> extends CommonAction<Inputs, Output> {
  readonly state?: SavedState<State>;
  readonly main: (run: PlainRun<Inputs, Output, State>) => Promise<void>;
  /** Only runs where `main` has saved a state. */
  readonly post?: (run: PlainRun<Inputs, Output, State>, state: State) => Promise<void>;
}

/** A run whose events make its log, annotations, report, outputs and summary. */
export interface ReportedRun<Inputs, Output extends string, Event> extends Run<Inputs, Output> {
  /** Aborts at the end of the process, and ends the watches in the background. */
  readonly lifetime: AbortSignal;
  /** Closes something at the end, before the results are published. */
  closing(close: () => Promise<void>): void;
  emit(event: Event): void;
  /** From here on, `post` has something to conclude where this process is stopped. */
  begun(): void;
  /** Publishes no report: nothing was done. */
  leaveUnpublished(): void;
}

/** Who tells of a run while it goes on. */
interface Speaker<Event> {
  tell(event: Event): void;
  /** The event that says what went wrong. */
  failed(error: unknown): Event;
}

/** How events become log, annotations, report, outputs and summary. */
export interface Reporting<Inputs, Output extends string, Event, Report> {
  /** The input `report`. */
  readonly path: (inputs: Inputs) => string | undefined;
  /** The report to begin with: that of `main` in `post`. */
  readonly begin: (run: Run<Inputs, Output>, path: string) => Promise<Report>;
  readonly follow: (report: Report, event: Event) => Report;
  readonly speaker: (run: Run<Inputs, Output>, report: Report) => Speaker<Event>;
  /** Whether the report is written at once: a process that is killed leaves what it has seen to `post`. */
  readonly keeps?: (event: Event) => boolean;
  /** Empty where the report has no answer. */
  readonly outputs: (report: Report, path: string) => Readonly<Record<Output, string>>;
  readonly summary: (report: Report) => string;
  /** Writes what lies beside the report. */
  readonly beside?: (report: Report, path: string, redact: Redact) => Promise<void>;
}

/** An action that tells of itself by events. What it throws is one of them, and fails the job. */
export interface ReportedAction<Inputs, Output extends string, Event, Report> extends CommonAction<Inputs, Output> {
  readonly report: Reporting<Inputs, Output, Event, Report>;
  readonly main: (run: ReportedRun<Inputs, Output, Event>) => Promise<void>;
  /**
   * Concludes what the `main` of this identity was stopped in. Without it, what a stopped run has written down is gone on with
   * by the next one.
   */
  readonly post?: (run: ReportedRun<Inputs, Output, Event>, id: string) => Promise<void>;
  /** Which failures of `main` are left to `post`: all, or those of a run that was cancelled. */
  readonly leaves?: 'every failure' | 'a cancellation';
}

export type Action<Inputs, Output extends string, Event = never, Report = never, State = never> =
  | PlainAction<Inputs, Output, State>
  | ReportedAction<Inputs, Output, Event, Report>;

/** Says all of an action: its documentation, action.yml, Roles and processes are made from this. */
export function defineAction<Inputs, Output extends string, State = never>(
  action: PlainAction<Inputs, Output, State>,
): PlainAction<Inputs, Output, State>;
export function defineAction<Inputs, Output extends string, Event, Report>(
  action: ReportedAction<Inputs, Output, Event, Report>,
): ReportedAction<Inputs, Output, Event, Report>;
export function defineAction<Defined>(action: Defined): Defined {
  return action;
}
