/** What the web process answers about artifacts, as the console calls it. */
export type {
  ArtifactRow as Artifact,
  ArtifactTagRow as ArtifactTag,
  HappeningRow as Happening,
  Lineage,
  LineageThing as Thing,
} from '#contracts/artifact-rows'
