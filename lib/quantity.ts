/** Amounts as Kubernetes writes them (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/). */

const FACTORS: Readonly<Record<string, number>> = {
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** Bytes of `512Mi`, cores of `500m`; undefined for what Kubernetes would refuse, and for what is not above 0. */
export function parseQuantity(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)(m|k|[MGT]|[KMGT]i)?$/.exec(text) ?? [];
  const factor = FACTORS[unit];
  if (amount === undefined || factor === undefined) return undefined;
  const value = Number(amount) * factor;
  return value > 0 ? value : undefined;
}
