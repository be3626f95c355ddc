import { steerMain } from '../runner/steer-job.ts';

await steerMain(process.env);
