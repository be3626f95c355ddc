import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{action,unsafeGitHub}from"./chunk-F6WYW5JF.js";import"./chunk-HLF2FCTE.js";import"./chunk-PGOUUG7L.js";import"./chunk-DFL3OPYT.js";import"./chunk-TWGTHV5O.js";import"./chunk-L3PSTODB.js";import"./chunk-MCXGAK2P.js";import"./chunk-5KU4AIYP.js";import"./chunk-WDPH45ZH.js";import"./chunk-SCSUVY46.js";import"./chunk-Y42S4UAX.js";import"./chunk-FUFAX5GG.js";import"./chunk-A6W3H4CW.js";import"./chunk-SKF2G4QI.js";import"./chunk-S4DEFMS7.js";export{action,unsafeGitHub};
