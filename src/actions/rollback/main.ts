import { rollbackMain } from './job.ts';

await rollbackMain(process.env);
