import { buildPushMain } from '../runner/build-push/job.ts';

await buildPushMain(process.env);
