/** A directory of the tree: a bucket or a key prefix that ends in `/`. */
export interface Directory {
  readonly id: number;
  readonly bucket: string;
  /** The key segments that lead to it; none for the bucket itself. */
  readonly segments: readonly string[];
}

export interface NewDirectory {
  readonly name: string;
  /** It is new on the FTP server too, so surely empty. */
  readonly proved: boolean;
}
