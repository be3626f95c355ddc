import { type DefaultTreeAdapterTypes, parse } from 'parse5';

interface Shape {
  /** Every element with the names of its attributes, in order, and with the values of those that mean something. */
  readonly elements: string[];
  readonly text: string;
  /** What the parser had to put right. */
  readonly errors: string[];
}

/** Attributes whose values are more than text: what they name is fetched, run, styled or followed. */
const telling = /^(?:class|id|href|src|style|rel|http-equiv|on.*)$/;

/** What a browser makes of a document. */
export function shapeOf(html: string): Shape {
  const errors: string[] = [];
  const elements: string[] = [];
  let text = '';
  const visit = (node: DefaultTreeAdapterTypes.ChildNode | DefaultTreeAdapterTypes.Document) => {
    if (node.nodeName === '#text' && 'value' in node) text += node.value;
    if ('tagName' in node) {
      const attributes = node.attrs.map(({ name, value }) => (telling.test(name) ? `${name}=${value}` : name));
      elements.push([node.tagName, ...attributes].join(' '));
    }
    if (node.nodeName === '#comment') elements.push('#comment');
    if ('childNodes' in node) node.childNodes.forEach(visit);
  };
  visit(parse(html, { onParseError: ({ code }) => errors.push(code), scriptingEnabled: false }));
  return { elements, text, errors };
}
