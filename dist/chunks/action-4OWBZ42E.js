import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a}from"./chunk-O5RC2ZQ5.js";import"./chunk-DQUCELVS.js";import"./chunk-P4IX5SCX.js";import"./chunk-TOK454OE.js";import"./chunk-HNSHXJ7O.js";import"./chunk-NV5KOALQ.js";import"./chunk-VQ26FZK6.js";import"./chunk-JS5MMEOT.js";import"./chunk-PO2BW2DC.js";export{a as action};
