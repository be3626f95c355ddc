import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{run}from"./chunk-YK2NXIM6.js";import"./chunk-XCUFLDTA.js";import"./chunk-AEF6RWIY.js";import"./chunk-2WKBPHXB.js";import"./chunk-MLWDBA3M.js";import"./chunk-SKF2G4QI.js";import"./chunk-S4DEFMS7.js";export{run};
