interface XYChart {
  readonly height: number;
  /** Of the plots, in their order. */
  readonly colours: readonly string[];
  readonly lines: readonly string[];
}

/**
 * A Mermaid chart, which GitHub draws. It has one y axis, evenly spaced points without gaps, and no legend.
 * Syntax: https://mermaid.js.org/syntax/xyChart.html
 */
export function xychart({ height, colours, lines }: XYChart): string {
  return [
    '```mermaid',
    '---',
    'config:',
    '  xyChart:',
    '    width: 900',
    `    height: ${height}`,
    '  themeVariables:',
    '    xyChart:',
    `      plotColorPalette: "${colours.join(', ')}"`,
    '---',
    'xychart-beta',
    ...lines.map((line) => `    ${line}`),
    '```',
  ].join('\n');
}

/** Decimal notation, because an xychart does not read `1e-7`. */
export function decimal(value: number): string {
  return String(Number(value.toFixed(3)));
}
