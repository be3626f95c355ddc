/** What is to be done, in a sentence, and what there is to copy for it: a Role, an ignore rule. */
export interface Advice {
  readonly sentence: string;
  /** Lines of YAML; empty where there is nothing to copy. */
  readonly copy: string;
}

/** Parts the `next` of an error: its first line says what to do, all others are to be copied as they are. */
export function adviceOf(next: string): Advice {
  const [sentence = '', ...rest] = next.split('\n');
  return { sentence: sentence.trim(), copy: rest.join('\n').trimEnd() };
}

/** The same where there is room for one line: what is to be copied stands elsewhere. */
export function adviceInOneLine(next: string): string {
  const { sentence, copy } = adviceOf(next);
  return copy === '' ? sentence : `${sentence.replace(/[.:]$/, '')}. It is in the log and the summary, to be copied.`;
}
