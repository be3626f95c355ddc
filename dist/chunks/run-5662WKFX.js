import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{run}from"./chunk-6UCSAIR3.js";import"./chunk-4SWWSGEU.js";import"./chunk-HBM3SVUU.js";import"./chunk-DECKNZF6.js";import"./chunk-AEF6RWIY.js";import"./chunk-2WKBPHXB.js";import"./chunk-EPARWAW3.js";import"./chunk-7G4CHCV4.js";import"./chunk-AZIRKM57.js";import"./chunk-WZAW22HP.js";import"./chunk-QWFA3XUD.js";import"./chunk-DXIUOSH7.js";import"./chunk-S4DEFMS7.js";export{run};
