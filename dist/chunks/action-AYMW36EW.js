import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{}from"../chunks/common.js";
import{action,unsafeGitHub}from"./chunk-JACKZVWS.js";import"./chunk-X2FEK5XM.js";import"./chunk-TFP4LL3C.js";import"./chunk-BW4PJQEW.js";import"./chunk-S4DEFMS7.js";export{action,unsafeGitHub};
