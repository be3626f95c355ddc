import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{action}from"./chunk-PIVB3XYY.js";import"./chunk-MWLCVV4Y.js";import"./chunk-GJUNSJWR.js";import"./chunk-CPKNMLZE.js";import"./chunk-3SUS3MNL.js";import"./chunk-PYOOGC6I.js";import"./chunk-WDPH45ZH.js";import"./chunk-SCSUVY46.js";import"./chunk-Y42S4UAX.js";import"./chunk-AEF6RWIY.js";import"./chunk-2WKBPHXB.js";import"./chunk-FUFAX5GG.js";import"./chunk-A6W3H4CW.js";import"./chunk-SKF2G4QI.js";import"./chunk-S4DEFMS7.js";export{action};
