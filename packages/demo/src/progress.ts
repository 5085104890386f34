const PATIENCE_MS = 2000;
const STEP_MS = 500;

/** Says what is being done until `work` has ended. What takes long gets a dot twice a second, so that something moves. */
export async function progress<T>(what: string, work: Promise<T>): Promise<T> {
  process.stdout.write(`${what} …`);
  const started = Date.now();
  const timer = setInterval(() => {
    if (Date.now() - started >= PATIENCE_MS) process.stdout.write(".");
  }, STEP_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    process.stdout.write("\n");
  }
}
