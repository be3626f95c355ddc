import { canaryMain } from '../runner/canary-job.ts';

await canaryMain(process.env);
