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

/** `main` does the work; `post` runs after the job in every case, and concludes what `main` was stopped in. */
export type Step = 'main' | 'post';

/** One Role of the documentation. */
export interface DocumentedRole {
  /** What needs the Role, where an action has several. */
  readonly title?: string;
  /** Name of the Role, where it is not that of a release. */
  readonly name?: string;
  readonly permissions: readonly Permission[];
}

/** The place in an example: its client is never called. */
export interface ExamplePlace {
  readonly client: KubernetesClient;
  readonly namespace: string;
  readonly clock: Clock;
}

/** What documentation and action.yml are generated from. */
export interface ActionInterface<Output extends string = string> {
  /** Its folder in `actions`. */
  readonly name: string;
  readonly inputs: InputsSchema;
  /** Name → description. */
  readonly outputs: Readonly<Record<Output, string>>;
  /** Group of inputs → title of its table, in the order of the documentation. */
  readonly groups: Readonly<Record<string, string>>;
  /** The rights on the cluster that it needs, from the same lists that a run checks before its first write. */
  readonly permissions?: (place: ExamplePlace) => readonly DocumentedRole[];
  /** The composite action in the repository's root whose first and last step this action is. */
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
  /** An expression; without it, the step runs after every step before it. */
  readonly if?: string;
  /** Name of the action's input → its value, which may contain expressions. */
  readonly with: Readonly<Record<string, string>>;
  /** Why the step is there and when it runs, as a comment. */
  readonly comment?: string;
}

/** What is available while inputs are read. */
export interface Start {
  readonly step: Step;
  readonly env: Environment;
  readonly facts: RunnerFacts;
  /** Aborts when the job is cancelled. */
  readonly signal: AbortSignal;
  /** Masks secrets in the runner's log, and removes them from everything that this run writes. */
  mask(secrets: readonly string[]): void;
}

/** Makes an annotation of the run. */
export type Annotate = (message: string, properties?: { readonly title: string }) => void;

/** Results of a run: its outputs, its JSON report at `path`, and its part of the job's summary. */
export interface Results<Output extends string> {
  readonly outputs: Readonly<Record<Output, string>>;
  readonly report: unknown;
  readonly path: string;
  readonly summary: string;
  /** Writes the files beside the report. */
  readonly beside?: () => Promise<void>;
}

/** One process of an action. Nothing that it writes contains a secret. */
export interface Run<Inputs, Output extends string> {
  readonly step: Step;
  readonly inputs: Inputs;
  readonly env: Environment;
  readonly facts: RunnerFacts;
  readonly clock: Clock;
  readonly redact: Redact;
  /** Masks secrets that are found during the run: from now on, nothing that this run writes shows them. */
  mask(secrets: readonly string[]): void;
  /** Aborts when the job is cancelled; never in `post`. */
  readonly signal: AbortSignal;
  readonly log: LogSink;
  readonly annotate: { readonly notice: Annotate; readonly warning: Annotate; readonly error: Annotate };
  /** Sets the exit status; a message becomes an annotation. */
  fail(message?: string): void;
  output(name: Output, value: string): void;
  /** Adds Markdown to the summary of the job. */
  summarize(markdown: string): Promise<void>;
  /** Hands over the results; only warns if the report cannot be written. */
  publish<Name extends Output>(results: Results<Name>): Promise<void>;
}

/** What both kinds of action share. */
export interface CommonAction<Inputs, Output extends string> extends ActionInterface<Output> {
  /** The secrets among the inputs, which are masked before anything else happens. */
  readonly secrets?: (given: GivenInputs) => readonly string[];
  /** @throws SluiceError `invalid-input` that names every wrong value, and quotes no secret */
  readonly read: (given: GivenInputs, start: Start) => Inputs | Promise<Inputs>;
}

/** What `main` leaves for `post`, which is a separate process. It contains no secret. */
export interface SavedState<State> {
  readonly name: string;
  readonly schema: z.ZodType<State>;
}

/** A run that keeps a state for its `post`. */
export interface PlainRun<Inputs, Output extends string, State = never> extends Run<Inputs, Output> {
  save(state: State): void;
}

/** An action that sets its outputs itself. An error that it throws fails the job. */
export interface PlainAction<Inputs, Output extends string, State = never> extends CommonAction<Inputs, Output> {
  readonly state?: SavedState<State>;
  readonly main: (run: PlainRun<Inputs, Output, State>) => Promise<void>;
  /** Only runs where `main` has saved a state. */
  readonly post?: (run: PlainRun<Inputs, Output, State>, state: State) => Promise<void>;
}

/** A run whose events make its log, annotations, report, outputs and summary. */
export interface ReportedRun<Inputs, Output extends string, Event> extends Run<Inputs, Output> {
  /** Aborts at the end of the process, which ends the watches in the background. */
  readonly lifetime: AbortSignal;
  /** Registers what has to be closed at the end, before the results are published. */
  closing(close: () => Promise<void>): void;
  emit(event: Event): void;
  /** Call this before the first write: if this process is stopped from now on, `post` concludes the run. */
  begun(): void;
  /** Publishes no report, because nothing was done. */
  leaveUnpublished(): void;
}

/** Reports on a run while it goes on. */
interface Speaker<Event> {
  tell(event: Event): void;
  /** The event for an error. */
  failed(error: unknown): Event;
}

/** How events become log, annotations, report, outputs and summary. */
export interface Reporting<Inputs, Output extends string, Event, Report> {
  /** Path from the input `report`. */
  readonly path: (inputs: Inputs) => string | undefined;
  /** The initial report; in `post`, the report of `main`. */
  readonly begin: (run: Run<Inputs, Output>, path: string) => Promise<Report>;
  readonly follow: (report: Report, event: Event) => Report;
  readonly speaker: (run: Run<Inputs, Output>, report: Report) => Speaker<Event>;
  /** Whether an event is written to the report at once, so that `post` finds it even if this process is killed. */
  readonly keeps?: (event: Event) => boolean;
  /** An output is empty where the report has no value for it. */
  readonly outputs: (report: Report, path: string) => Readonly<Record<Output, string>>;
  /** @param server the GitHub server, whose runs are linked: `https://github.com` */
  readonly summary: (report: Report, server: string) => string;
  /** Writes the files beside the report. */
  readonly beside?: (report: Report, path: string, run: Run<Inputs, Output>) => Promise<void>;
}

/** An action that reports by events. An error that it throws becomes an event, and fails the job. */
export interface ReportedAction<Inputs, Output extends string, Event, Report> extends CommonAction<Inputs, Output> {
  readonly report: Reporting<Inputs, Output, Event, Report>;
  readonly main: (run: ReportedRun<Inputs, Output, Event>) => Promise<void>;
  /**
   * Concludes the change in which the `main` of this identity was stopped. Without it, the next run continues from what a
   * stopped run has recorded.
   */
  readonly post?: (run: ReportedRun<Inputs, Output, Event>, id: string) => Promise<void>;
  /** Which failures of `main` are left to `post`: all, or only a cancellation. */
  readonly leaves?: 'every failure' | 'a cancellation';
}

export type Action<Inputs, Output extends string, Event = never, Report = never, State = never> =
  | PlainAction<Inputs, Output, State>
  | ReportedAction<Inputs, Output, Event, Report>;

/** Defines an action completely: its documentation, action.yml, Roles and processes are made from this value. */
export function defineAction<Inputs, Output extends string, State = never>(
  action: PlainAction<Inputs, Output, State>,
): PlainAction<Inputs, Output, State>;
export function defineAction<Inputs, Output extends string, Event, Report>(
  action: ReportedAction<Inputs, Output, Event, Report>,
): ReportedAction<Inputs, Output, Event, Report>;
export function defineAction<Defined>(action: Defined): Defined {
  return action;
}
