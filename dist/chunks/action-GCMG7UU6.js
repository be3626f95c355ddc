import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{action,unsafeGitHub}from"./chunk-5PYYBGL4.js";import"./chunk-5DDFQN4A.js";import"./chunk-YQDKQQV3.js";import"./chunk-XAVJLHCH.js";import"./chunk-OKDVBKJW.js";import"./chunk-BJFVJJVQ.js";import"./chunk-WDPH45ZH.js";import"./chunk-3332RGUB.js";import"./chunk-6ZC4MPX5.js";import"./chunk-IJOVQOFK.js";import"./chunk-S4DEFMS7.js";export{action,unsafeGitHub};
