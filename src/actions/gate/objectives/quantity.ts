/** Powers of ten, so that `500m` is read as the text `500e-3`, which loses nothing. */
const decimal: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const binary: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };

/**
 * The number of a Kubernetes quantity: `0.5`, `500m`, `10Mi`, `1e3`; undefined for anything else.
 *
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
export function readQuantity(text: string): number | undefined {
  const [, digits, exponent, unit = ''] =
    /^([+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30}))(?:([eE][+-]?\d{1,3})|(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei))?$/.exec(
      text.trim(),
    ) ?? [];
  if (digits === undefined) return undefined;
  const power = decimal[unit];
  const value =
    power === undefined ? Number(digits) * 2 ** (binary[unit] ?? 0) : Number(`${digits}${exponent ?? `e${power}`}`);
  return Number.isFinite(value) ? value : undefined;
}
