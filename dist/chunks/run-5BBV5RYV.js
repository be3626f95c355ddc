import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{e178 as run}from"../chunks/common.js";
import"./chunk-S4DEFMS7.js";export{run};
