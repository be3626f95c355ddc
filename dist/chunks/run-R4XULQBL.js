import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{run}from"./chunk-6KDLPBKZ.js";import"./chunk-UCKPJVXS.js";import"./chunk-AEF6RWIY.js";import"./chunk-2WKBPHXB.js";import"./chunk-6BPL2Q7I.js";import"./chunk-WFPHNNSZ.js";import"./chunk-S4DEFMS7.js";export{run};
