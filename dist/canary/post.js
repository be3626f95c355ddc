import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{b as a}from"../chunks/chunk-254UEXYH.js";import"../chunks/chunk-PO2BW2DC.js";await a(process.env);
