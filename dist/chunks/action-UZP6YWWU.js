import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{}from"../chunks/common.js";
import{action}from"./chunk-TPIE45MN.js";import"./chunk-R2TBUIMZ.js";import"./chunk-3Y5CDWZC.js";import"./chunk-S4DEFMS7.js";export{action};
