import { steerMain } from './job.ts';

await steerMain(process.env);
