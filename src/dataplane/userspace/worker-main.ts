/** The packet loop's thread. */
import { parentPort, workerData } from 'node:worker_threads';
import type { LoopData } from './messages.js';
import { PacketLoop } from './packet-loop.js';

new PacketLoop(workerData as LoopData, (message) => parentPort?.postMessage(message)).run();
