import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{run}from"./chunk-W2BAYXPE.js";import"./chunk-73GHIWRD.js";import"./chunk-AEF6RWIY.js";import"./chunk-2WKBPHXB.js";import"./chunk-6ZC4MPX5.js";import"./chunk-IJOVQOFK.js";import"./chunk-S4DEFMS7.js";export{run};
