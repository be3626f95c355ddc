import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{action,unsafeGitHub}from"./chunk-333JEV4O.js";import"./chunk-GKZKWKBX.js";import"./chunk-JWPZKXLX.js";import"./chunk-WWXRQY2V.js";import"./chunk-5Z6GAYZ3.js";import"./chunk-OVMGVOEN.js";import"./chunk-FSW6NLR5.js";import"./chunk-UHH5AJ2J.js";import"./chunk-6BPL2Q7I.js";import"./chunk-WFPHNNSZ.js";import"./chunk-S4DEFMS7.js";export{action,unsafeGitHub};
