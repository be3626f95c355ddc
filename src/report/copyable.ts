/** What to do, as a sentence, and text to copy for it, such as a Role or an ignore rule. */
export interface Advice {
  readonly sentence: string;
  /** Lines of YAML; empty where there is nothing to copy. */
  readonly copy: string;
}

/** Splits the `next` of an error: its first line says what to do, all others are text to copy. */
export function adviceOf(next: string): Advice {
  const [sentence = '', ...rest] = next.split('\n');
  return { sentence: sentence.trim(), copy: rest.join('\n').trimEnd() };
}

/** The advice on one line; refers to the log and summary for text to copy. */
export function adviceInOneLine(next: string): string {
  const { sentence, copy } = adviceOf(next);
  return copy === '' ? sentence : `${sentence.replace(/[.:]$/, '')}. It is in the log and the summary, to be copied.`;
}
