/** What one measurement says. */
export interface Sample {
  calls: number;
  seconds: number;
  p50_us: number;
  p99_us: number;
  cpu_us: number;
}

/** One thing that is measured, up and waiting. It stops only what it has started for itself. */
export interface Cell {
  what: string;
  host: string;
  measure(bytes: number, inFlight: number, seconds: number): Promise<Sample>;
  pin(pinned: boolean): void;
  /** Whether it can be measured this way. */
  takes(bytes: number, inFlight: number): boolean;
  rssMb(): number;
  stop(): Promise<void>;
}
