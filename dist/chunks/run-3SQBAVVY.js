import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{run}from"./chunk-DDYUF3K4.js";import"./chunk-TUZWR2FN.js";import"./chunk-EPARWAW3.js";import"./chunk-M7UNCXKD.js";import"./chunk-AEF6RWIY.js";import"./chunk-HTI5VPXO.js";import"./chunk-2WKBPHXB.js";import"./chunk-NVWF42PB.js";import"./chunk-DECKNZF6.js";import"./chunk-WZAW22HP.js";import"./chunk-FE7MMVEF.js";import"./chunk-DXIUOSH7.js";import"./chunk-S4DEFMS7.js";export{run};
