/** How bad a release is, and which of the lab's images it is. Stable fails 0.5 % of its requests, as v2 does. */
export const faults = {
  '0.5%': { image: 'v2', says: '0.5 % errors, as healthy as stable' },
  '2%': { image: 'v2-errors-2pct', says: '2 % errors' },
  '10%': { image: 'v2-errors-10pct', says: '10 % errors' },
  '100%': { image: 'v2-errors-100pct', says: '100 % errors' },
  crash: { image: 'v2', says: 'crash loop, 5 s after its first request' },
} as const;
export type Fault = keyof typeof faults;

export const faultNames = ['0.5%', '2%', '10%', '100%', 'crash'] as const satisfies readonly Fault[];
