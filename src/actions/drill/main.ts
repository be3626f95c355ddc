import { run } from '../../runner/run.ts';
import { action } from './action.ts';

await run(action, 'main', process.env);
