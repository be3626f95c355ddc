import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{action}from"./chunk-RMIIKM6L.js";import"./chunk-HZHWF3UL.js";import"./chunk-GJUNSJWR.js";import"./chunk-CPKNMLZE.js";import"./chunk-3SUS3MNL.js";import"./chunk-M3XEKEVK.js";import"./chunk-WDPH45ZH.js";import"./chunk-IFPEGM6U.js";import"./chunk-AEF6RWIY.js";import"./chunk-2WKBPHXB.js";import"./chunk-MLWDBA3M.js";import"./chunk-SKF2G4QI.js";import"./chunk-S4DEFMS7.js";export{action};
