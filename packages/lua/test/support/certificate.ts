import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Paths of PEM files. */
export interface Pem {
  ca: string;
  cert: string;
  key: string;
}

/** A certificate that an authority of this name signs. */
export function certificate(folder: string, authority: string, name: string, names = "DNS:none.test"): Pem {
  const at = (file: string) => join(folder, file);
  const openssl = (...words: string[]) => execFileSync("openssl", words, { stdio: "pipe" });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const ca = at(`${authority}.pem`);
  if (!existsSync(ca)) {
    const into = ["-keyout", at(`${authority}.key`), "-out", ca, "-subj", `/CN=${authority}`, "-days", "2"];
    openssl("req", "-x509", ...newKey, ...into);
  }
  const [cert, key, request, extensions] = [at(`${name}.pem`), at(`${name}.key`), at(`${name}.csr`), at(`${name}.ext`)];
  openssl("req", ...newKey, "-keyout", key, "-out", request, "-subj", `/CN=${name}`);
  writeFileSync(extensions, `subjectAltName=${names}\nextendedKeyUsage=serverAuth,clientAuth\n`);
  const signer = ["-CA", ca, "-CAkey", at(`${authority}.key`), "-CAcreateserial", "-days", "2"];
  openssl("x509", "-req", "-in", request, ...signer, "-extfile", extensions, "-out", cert);
  return { ca, cert, key };
}
