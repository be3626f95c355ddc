import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{run}from"./chunk-SLULAVWW.js";import"./chunk-L6BCT4MC.js";import"./chunk-JIXBM4CH.js";import"./chunk-AEF6RWIY.js";import"./chunk-2WKBPHXB.js";import"./chunk-FUFAX5GG.js";import"./chunk-A6W3H4CW.js";import"./chunk-SKF2G4QI.js";import"./chunk-S4DEFMS7.js";export{run};
