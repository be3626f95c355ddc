/** Installs the browser for `npm run test:real -- report` (Debian, root). */
import { installBrowser } from './index.ts';

/** Milliseconds: some 120 MB are downloaded. */
const DEADLINE = 600_000;

await installBrowser(AbortSignal.timeout(DEADLINE));
