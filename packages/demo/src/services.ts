import { type Service, startEtcd, startFakeKafka, startGrpcServer } from "@resty-ffi/services";

/** The servers of the page /services: small ones, with no settings, that end with the demo. */
export interface Services {
  /** By the service's name: where it is. */
  addresses: Record<string, string>;
  /** By the service's name: why it could not be started. */
  errors: Record<string, string>;
  stop(): Promise<void>;
}

const STARTS: Record<string, () => Promise<Service>> = {
  kafka: startFakeKafka,
  etcd: startEtcd,
  grpc: startGrpcServer,
};

/** Starts all of them at once. One that cannot be started does not stop the others. */
export async function startServices(): Promise<Services> {
  const running: Service[] = [];
  const addresses: Record<string, string> = {};
  const errors: Record<string, string> = {};
  await Promise.all(
    Object.entries(STARTS).map(async ([name, start]) => {
      try {
        const service = await start();
        running.push(service);
        addresses[name] = service.address;
      } catch (error) {
        errors[name] = (error as Error).message;
      }
    }),
  );
  return {
    addresses,
    errors,
    stop: async () => {
      await Promise.all(running.map((service) => service.stop()));
    },
  };
}

/** Without any of them: the page says so. */
export const NO_SERVICES: Services = { addresses: {}, errors: {}, stop: async () => {} };
