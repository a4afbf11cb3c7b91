CREATE TABLE `artifact_tags` (
	`sequence` integer NOT NULL,
	`key` text NOT NULL,
	`value` text NOT NULL,
	`store` text NOT NULL,
	`path` text NOT NULL,
	`digest` text NOT NULL,
	`principal` text NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`sequence`, `key`)
);

CREATE INDEX `artifact_tags_place` ON `artifact_tags` (`path`,`store`);
CREATE TABLE `artifacts` (
	`store` text NOT NULL,
	`path` text NOT NULL,
	`digest` text NOT NULL,
	`size` integer,
	`state` text NOT NULL,
	`run` text,
	`part` text,
	`at` integer NOT NULL,
	`since` integer NOT NULL,
	`until` integer,
	PRIMARY KEY(`store`, `path`, `since`)
);

CREATE UNIQUE INDEX `artifacts_now` ON `artifacts` (`store`,`path`) WHERE "artifacts"."until" is null;
CREATE INDEX `artifacts_since` ON `artifacts` (`since`,`store`,`path`);
CREATE INDEX `artifacts_since_in` ON `artifacts` (`store`,`since`,`path`);
CREATE INDEX `artifacts_newest` ON `artifacts` (`since`,`store`,`path`) WHERE "artifacts"."until" is null;
CREATE INDEX `artifacts_newest_in` ON `artifacts` (`store`,`since`,`path`) WHERE "artifacts"."until" is null;
CREATE INDEX `artifacts_state` ON `artifacts` (`state`,`store`) WHERE "artifacts"."until" is null;
CREATE INDEX `artifacts_path` ON `artifacts` (`path`);
CREATE INDEX `artifacts_digest` ON `artifacts` (`digest`);
CREATE INDEX `artifacts_run` ON `artifacts` (`run`) WHERE "artifacts"."run" is not null;
CREATE TABLE `edges` (
	`sequence` integer NOT NULL,
	`source` text NOT NULL,
	`target` text NOT NULL,
	`kind` text NOT NULL,
	`run` text,
	`part` text,
	`attempt` integer,
	PRIMARY KEY(`sequence`, `source`, `target`)
);

CREATE INDEX `edges_source` ON `edges` (`source`,`sequence`);
CREATE INDEX `edges_target` ON `edges` (`target`,`sequence`);
CREATE INDEX `edges_run` ON `edges` (`run`);
CREATE TABLE `artifact_history` (
	`sequence` integer NOT NULL,
	`store` text NOT NULL,
	`path` text NOT NULL,
	`what` text NOT NULL,
	`digest` text,
	`size` integer,
	`run` text,
	`part` text,
	`attempt` integer,
	`peer` text,
	`took` integer,
	`reason` text,
	`principal` text NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`sequence`, `store`, `path`)
);

CREATE INDEX `history_path` ON `artifact_history` (`path`,`sequence`);
CREATE INDEX `history_part` ON `artifact_history` (`part`,`sequence`) WHERE "artifact_history"."part" is not null;
CREATE INDEX `history_peer` ON `artifact_history` (`peer`,`sequence`) WHERE "artifact_history"."peer" is not null;
CREATE INDEX `history_range` ON `artifact_history` (`store`,`sequence`);
CREATE INDEX `history_digest` ON `artifact_history` (`digest`);
CREATE INDEX `history_run` ON `artifact_history` (`run`);
CREATE TABLE `sources` (
	`store` text NOT NULL,
	`reason` text,
	`at` integer NOT NULL,
	`since` integer NOT NULL,
	`until` integer,
	PRIMARY KEY(`store`, `since`)
);

CREATE UNIQUE INDEX `sources_now` ON `sources` (`store`) WHERE "sources"."until" is null;
CREATE TABLE `checkpoint` (
	`one` integer PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`version` integer NOT NULL,
	`logId` text NOT NULL,
	`sequence` integer NOT NULL,
	`lastId` text,
	`lastSequence` integer,
	`dropped` integer NOT NULL,
	`time` integer NOT NULL
);

CREATE TABLE `rejected` (
	`sequence` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`type` text NOT NULL,
	`version` integer NOT NULL,
	`aggregate` text NOT NULL,
	`scope` text NOT NULL,
	`key` text NOT NULL,
	`reason` text NOT NULL,
	`at` integer NOT NULL
);

CREATE TABLE `times` (
	`sequence` integer PRIMARY KEY NOT NULL,
	`time` integer NOT NULL
);

CREATE INDEX `times_time` ON `times` (`time`);
CREATE TABLE `graphs` (
	`pipeline` text NOT NULL,
	`version` integer NOT NULL,
	`digest` text NOT NULL,
	`graph` text NOT NULL,
	`at` integer NOT NULL,
	`since` integer NOT NULL,
	`until` integer,
	PRIMARY KEY(`pipeline`, `since`)
);

CREATE UNIQUE INDEX `graphs_now` ON `graphs` (`pipeline`) WHERE "graphs"."until" is null;
CREATE TABLE `pauses` (
	`pipeline` text NOT NULL,
	`state` text NOT NULL,
	`reason` text,
	`principal` text NOT NULL,
	`at` integer NOT NULL,
	`since` integer NOT NULL,
	`until` integer,
	PRIMARY KEY(`pipeline`, `since`)
);

CREATE UNIQUE INDEX `pauses_now` ON `pauses` (`pipeline`) WHERE "pauses"."until" is null;
CREATE TABLE `requests` (
	`request` text NOT NULL,
	`pipeline` text NOT NULL,
	`message` text NOT NULL,
	`metric` text,
	`rerun` text,
	`state` text NOT NULL,
	`reason` text,
	`run` text,
	`principal` text NOT NULL,
	`began` integer NOT NULL,
	`at` integer NOT NULL,
	`since` integer NOT NULL,
	`until` integer,
	PRIMARY KEY(`request`, `since`)
);

CREATE UNIQUE INDEX `requests_now` ON `requests` (`request`) WHERE "requests"."until" is null;
CREATE TABLE `waits` (
	`pipeline` text NOT NULL,
	`part` text NOT NULL,
	`reason` text,
	`at` integer NOT NULL,
	`since` integer NOT NULL,
	`until` integer,
	PRIMARY KEY(`pipeline`, `part`, `since`)
);

CREATE UNIQUE INDEX `waits_now` ON `waits` (`pipeline`,`part`) WHERE "waits"."until" is null;
CREATE INDEX `waits_part` ON `waits` (`part`) WHERE "waits"."until" is null;
CREATE TABLE `attempts` (
	`run` text NOT NULL,
	`pipeline` text NOT NULL,
	`part` text NOT NULL,
	`attempt` integer NOT NULL,
	`delivery` integer NOT NULL,
	`instance` text NOT NULL,
	`host` text NOT NULL,
	`outcome` text NOT NULL,
	`reason` text,
	`message` text,
	`began` integer NOT NULL,
	`startedAt` integer NOT NULL,
	`endedAt` integer,
	`since` integer NOT NULL,
	`until` integer,
	PRIMARY KEY(`run`, `part`, `attempt`, `delivery`, `instance`, `since`)
);

CREATE UNIQUE INDEX `attempts_now` ON `attempts` (`run`,`part`,`attempt`,`delivery`,`instance`) WHERE "attempts"."until" is null;
CREATE INDEX `attempts_began` ON `attempts` (`began`);
CREATE INDEX `attempts_part` ON `attempts` (`part`,`began`);
CREATE TABLE `ignored` (
	`sequence` integer PRIMARY KEY NOT NULL,
	`run` text NOT NULL,
	`pipeline` text NOT NULL,
	`part` text NOT NULL,
	`attempt` integer NOT NULL,
	`delivery` integer NOT NULL,
	`instance` text NOT NULL,
	`reported` text NOT NULL,
	`reason` text NOT NULL,
	`at` integer NOT NULL
);

CREATE TABLE `nodes` (
	`run` text NOT NULL,
	`pipeline` text NOT NULL,
	`part` text NOT NULL,
	`kind` text NOT NULL,
	`after` text NOT NULL,
	`state` text NOT NULL,
	`reason` text,
	`attempt` integer NOT NULL,
	`host` text,
	`message` text,
	`reused` integer,
	`dueAt` integer,
	`began` integer NOT NULL,
	`startedAt` integer,
	`endedAt` integer,
	`since` integer NOT NULL,
	`until` integer,
	PRIMARY KEY(`run`, `part`, `since`)
);

CREATE UNIQUE INDEX `nodes_now` ON `nodes` (`run`,`part`) WHERE "nodes"."until" is null;
CREATE INDEX `nodes_began` ON `nodes` (`began`,`part`);
CREATE INDEX `nodes_part` ON `nodes` (`part`,`began`);
CREATE INDEX `nodes_state` ON `nodes` (`state`,`began`,`part`) WHERE "nodes"."until" is null;
CREATE TABLE `offers` (
	`sequence` integer NOT NULL,
	`run` text NOT NULL,
	`pipeline` text NOT NULL,
	`resource` text NOT NULL,
	`after` integer NOT NULL,
	`upTo` integer NOT NULL,
	`count` integer NOT NULL,
	PRIMARY KEY(`sequence`, `resource`)
);

CREATE INDEX `offers_run` ON `offers` (`run`);
CREATE TABLE `runs` (
	`run` text NOT NULL,
	`pipeline` text NOT NULL,
	`number` integer NOT NULL,
	`state` text NOT NULL,
	`reason` text,
	`heldBy` text,
	`principal` text,
	`trigger` text NOT NULL,
	`message` text NOT NULL,
	`graph` text NOT NULL,
	`failed` text,
	`unstopped` text,
	`repeats` integer,
	`hash` text,
	`correlation` text NOT NULL,
	`began` integer NOT NULL,
	`startedAt` integer NOT NULL,
	`endedAt` integer,
	`since` integer NOT NULL,
	`until` integer,
	PRIMARY KEY(`run`, `since`)
);

CREATE UNIQUE INDEX `runs_now` ON `runs` (`run`) WHERE "runs"."until" is null;
CREATE INDEX `runs_began` ON `runs` (`began`);
CREATE INDEX `runs_unhashed` ON `runs` (`run`) WHERE "hash" is null and "endedAt" is not null;
CREATE INDEX `runs_state` ON `runs` (`state`,`began`) WHERE "runs"."until" is null;
CREATE INDEX `runs_pipeline` ON `runs` (`pipeline`,`began`) WHERE "runs"."until" is null;
CREATE TABLE `triggers` (
	`sequence` integer PRIMARY KEY NOT NULL,
	`run` text NOT NULL,
	`pipeline` text NOT NULL,
	`kind` text NOT NULL,
	`message` text NOT NULL,
	`request` text,
	`metric` text,
	`rerun` text,
	`graph` text NOT NULL,
	`at` integer NOT NULL
);

CREATE INDEX `triggers_run` ON `triggers` (`run`);
CREATE TABLE `hosts` (
	`host` text NOT NULL,
	`instance` text NOT NULL,
	`machine` text NOT NULL,
	`pid` integer NOT NULL,
	`version` text NOT NULL,
	`nodes` text NOT NULL,
	`state` text NOT NULL,
	`startedAt` integer NOT NULL,
	`endedAt` integer,
	`since` integer NOT NULL,
	`until` integer,
	PRIMARY KEY(`host`, `since`)
);

CREATE UNIQUE INDEX `hosts_now` ON `hosts` (`host`) WHERE "hosts"."until" is null;
CREATE TABLE `metrics` (
	`sequence` integer PRIMARY KEY NOT NULL,
	`key` text NOT NULL,
	`pipeline` text NOT NULL,
	`run` text,
	`part` text,
	`attempt` integer,
	`principal` text NOT NULL,
	`at` integer NOT NULL,
	`value` real NOT NULL,
	`step` integer
);

CREATE INDEX `metrics_key` ON `metrics` (`key`);
CREATE INDEX `metrics_run` ON `metrics` (`run`);
CREATE INDEX `metrics_part` ON `metrics` (`part`);
CREATE INDEX `metrics_pipeline` ON `metrics` (`pipeline`);
CREATE TABLE `params` (
	`sequence` integer PRIMARY KEY NOT NULL,
	`key` text NOT NULL,
	`pipeline` text NOT NULL,
	`run` text,
	`part` text,
	`attempt` integer,
	`principal` text NOT NULL,
	`at` integer NOT NULL,
	`value` text
);

CREATE INDEX `params_run` ON `params` (`run`);
CREATE INDEX `params_part` ON `params` (`part`);
CREATE INDEX `params_pipeline` ON `params` (`pipeline`);
CREATE TABLE `tags` (
	`sequence` integer PRIMARY KEY NOT NULL,
	`key` text NOT NULL,
	`pipeline` text NOT NULL,
	`run` text,
	`part` text,
	`attempt` integer,
	`principal` text NOT NULL,
	`at` integer NOT NULL,
	`value` text NOT NULL
);

CREATE INDEX `tags_run` ON `tags` (`run`);
CREATE INDEX `tags_part` ON `tags` (`part`);
CREATE INDEX `tags_pipeline` ON `tags` (`pipeline`);
