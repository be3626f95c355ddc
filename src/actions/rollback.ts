import { rollbackMain } from '../runner/rollback-job.ts';

await rollbackMain(process.env);
