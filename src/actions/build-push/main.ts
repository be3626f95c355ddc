import { buildPushMain } from './job.ts';

await buildPushMain(process.env);
