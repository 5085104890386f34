/** The result of one measurement. */
export interface Sample {
  calls: number;
  seconds: number;
  p50_us: number;
  p99_us: number;
  cpu_us: number;
}

/** One subject of the bench, running and ready. `stop` ends only what the cell has started itself. */
export interface Cell {
  what: string;
  host: string;
  measure(bytes: number, inFlight: number, seconds: number): Promise<Sample>;
  pin(pinned: boolean): void;
  /** Whether the cell can be measured this way. */
  takes(bytes: number, inFlight: number): boolean;
  rssMb(): number;
  stop(): Promise<void>;
}
