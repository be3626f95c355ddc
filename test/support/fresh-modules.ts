import { vi } from 'vitest';

/** Runs before each test file: files that share a process share packages, and no module of ours. */
vi.resetModules();
