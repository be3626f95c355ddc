import { accessSync } from 'node:fs';
import { installPackages } from '../programs/debian.ts';

/** Debian's browser, which shows the pages of reports in tests. */
export const chromium = '/usr/bin/chromium';

export function isInstalled(): boolean {
  try {
    accessSync(chromium);
    return true;
  } catch {
    return false;
  }
}

export async function installBrowser(signal: AbortSignal): Promise<void> {
  // Without a font, a page has no text.
  if (!isInstalled()) await installPackages(['chromium', 'fonts-dejavu-core'], signal);
}
