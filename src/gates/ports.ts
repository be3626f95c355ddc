/**
 * What a gate needs from the world. Adapters in `sources/` implement this; the domain knows nothing else of them. All times are
 * milliseconds (instants: since the Unix epoch).
 */

import type { Permission } from '../core/permission.ts';
import type { Look, Window } from '../judge/looks/look.ts';

/** What was found before the first look. */
interface SourceReadiness {
  /** A sentence for the log that shows that the question means something: `2 series of http_requests_total, measured 4 s ago`. */
  readonly evidence: string;
  /** What the reader should know, one sentence each. */
  readonly warnings?: readonly string[];
}

/** Something that shows harm and is no request counter: logs, traces, alerts, events, probes, objectives, queries. */
export interface Source {
  /** `promql`, `alerts`, `pod-logs` */
  readonly kind: string;
  /** What is asked and of whom, for log and report, without secrets: `sum(rate(…)) of Prometheus http://…`. */
  readonly asked: string;
  readonly permissions: readonly Permission[];
  /** Milliseconds after which an event is surely seen by who asks: windows end so long before now. */
  readonly lag: number;
  /**
   * Proves that the question means something: that the server is the one that is meant, takes the credentials, and knows what is
   * asked for. Throws a SluiceError where it does not.
   */
  preflight(signal: AbortSignal): Promise<SourceReadiness>;
  /**
   * One look at a window. Sources of counts are asked for windows that do not overlap; all others answer for the end of the window.
   * Throws a SluiceError, or answers `missing`, where it can't tell: both are "not known".
   */
  look(window: Window, signal: AbortSignal): Promise<Look>;
}
