import { canaryPost } from '../runner/canary-job.ts';

await canaryPost(process.env);
