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
CREATE TABLE `compose_files` (
	`sequence` integer PRIMARY KEY NOT NULL,
	`experiment` text NOT NULL,
	`attempt` integer NOT NULL,
	`site` text NOT NULL,
	`image` text NOT NULL,
	`digest` text NOT NULL,
	`compose` text NOT NULL
);

CREATE INDEX `compose_files_of` ON `compose_files` (`experiment`,`attempt`,`site`);
CREATE TABLE `experiment_history` (
	`sequence` integer PRIMARY KEY NOT NULL,
	`experiment` text NOT NULL,
	`project` text NOT NULL,
	`type` text NOT NULL,
	`what` text NOT NULL,
	`principal` text NOT NULL,
	`reason` text,
	`part` text,
	`step` text,
	`attempt` integer,
	`at` integer NOT NULL
);

CREATE INDEX `experiment_history_of` ON `experiment_history` (`experiment`,`sequence`);
CREATE INDEX `experiment_history_part` ON `experiment_history` (`part`,`sequence`) WHERE "experiment_history"."part" is not null;
CREATE TABLE `experiment_steps` (
	`experiment` text NOT NULL,
	`project` text NOT NULL,
	`part` text NOT NULL,
	`step` text NOT NULL,
	`attempt` integer NOT NULL,
	`try` integer NOT NULL,
	`delivery` integer NOT NULL,
	`run` integer,
	`agent` text NOT NULL,
	`host` text,
	`outcome` text NOT NULL,
	`reason` text,
	`made` text,
	`results` text,
	`askedAt` integer NOT NULL,
	`startedAt` integer,
	`endedAt` integer,
	`began` integer NOT NULL,
	`since` integer NOT NULL,
	`until` integer,
	PRIMARY KEY(`experiment`, `attempt`, `part`, `step`, `try`, `delivery`, `since`)
);

CREATE UNIQUE INDEX `experiment_steps_now` ON `experiment_steps` (`experiment`,`attempt`,`part`,`step`,`try`,`delivery`) WHERE "experiment_steps"."until" is null;
CREATE INDEX `experiment_steps_began` ON `experiment_steps` (`experiment`,`began`);
CREATE TABLE `experiment_parts` (
	`experiment` text NOT NULL,
	`project` text NOT NULL,
	`part` text NOT NULL,
	`site` text NOT NULL,
	`node` text,
	`stage` text,
	`subState` text NOT NULL,
	`step` text,
	`state` text,
	`phase` text,
	`host` text,
	`try` integer,
	`run` integer,
	`failedStep` text,
	`reason` text,
	`desired` text NOT NULL,
	`reported` text NOT NULL,
	`results` text,
	`at` integer NOT NULL,
	`since` integer NOT NULL,
	`until` integer,
	PRIMARY KEY(`experiment`, `part`, `since`)
);

CREATE UNIQUE INDEX `experiment_parts_now` ON `experiment_parts` (`experiment`,`part`) WHERE "experiment_parts"."until" is null;
CREATE INDEX `experiment_parts_site` ON `experiment_parts` (`site`) WHERE "experiment_parts"."until" is null;
CREATE TABLE `experiment_states` (
	`experiment` text PRIMARY KEY NOT NULL,
	`state` text NOT NULL
);

CREATE TABLE `experiment_waits` (
	`experiment` text NOT NULL,
	`project` text NOT NULL,
	`wait` text NOT NULL,
	`waitsFor` text NOT NULL,
	`what` text NOT NULL,
	`part` text,
	`step` text,
	`reason` text,
	`command` text,
	`needs` text,
	`at` integer NOT NULL,
	`began` integer NOT NULL,
	`since` integer NOT NULL,
	`until` integer,
	PRIMARY KEY(`experiment`, `wait`, `since`)
);

CREATE UNIQUE INDEX `experiment_waits_now` ON `experiment_waits` (`experiment`,`wait`) WHERE "experiment_waits"."until" is null;
CREATE INDEX `experiment_waits_oldest` ON `experiment_waits` (`began`,`wait`);
CREATE TABLE `experiments` (
	`experiment` text NOT NULL,
	`project` text NOT NULL,
	`name` text NOT NULL,
	`description` text NOT NULL,
	`creator` text NOT NULL,
	`experimenters` text NOT NULL,
	`mode` text NOT NULL,
	`status` text NOT NULL,
	`subState` text NOT NULL,
	`failedStep` text,
	`failedPart` text,
	`reason` text,
	`sites` text NOT NULL,
	`nodes` text NOT NULL,
	`attempt` integer NOT NULL,
	`run` integer NOT NULL,
	`approval` text NOT NULL,
	`waitsFor` text,
	`waits` text,
	`source` text NOT NULL,
	`resource` text NOT NULL,
	`cloudLink` text,
	`commit` text,
	`cloneOf` text,
	`state` text NOT NULL,
	`words` text NOT NULL,
	`createdAt` integer NOT NULL,
	`changedAt` integer NOT NULL,
	`began` integer NOT NULL,
	`since` integer NOT NULL,
	`until` integer,
	PRIMARY KEY(`experiment`, `since`)
);

CREATE UNIQUE INDEX `experiments_now` ON `experiments` (`experiment`) WHERE "experiments"."until" is null;
CREATE INDEX `experiments_began` ON `experiments` (`began`);
CREATE INDEX `experiments_newest` ON `experiments` (`began`) WHERE "experiments"."until" is null;
CREATE INDEX `experiments_changed` ON `experiments` (`since`) WHERE "experiments"."until" is null;
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
CREATE TABLE `end_nodes` (
	`part` text NOT NULL,
	`site` text NOT NULL,
	`node` text NOT NULL,
	`type` text,
	`capabilities` text NOT NULL,
	`agent` text,
	`state` text NOT NULL,
	`occupiedBy` text,
	`project` text,
	`occupiedAt` integer,
	`since` integer NOT NULL,
	`until` integer,
	PRIMARY KEY(`part`, `since`)
);

CREATE UNIQUE INDEX `end_nodes_now` ON `end_nodes` (`part`) WHERE "end_nodes"."until" is null;
CREATE TABLE `notifications` (
	`sequence` integer PRIMARY KEY NOT NULL,
	`experiment` text NOT NULL,
	`about` text NOT NULL,
	`to` text NOT NULL,
	`way` text NOT NULL,
	`occasion` text NOT NULL,
	`subject` text NOT NULL,
	`outcome` text NOT NULL,
	`reason` text,
	`at` integer NOT NULL
);

CREATE INDEX `notifications_to` ON `notifications` (`to`,`sequence`);
CREATE INDEX `notifications_of` ON `notifications` (`experiment`,`sequence`);
CREATE TABLE `people` (
	`person` text NOT NULL,
	`preferences` text NOT NULL,
	`at` integer NOT NULL,
	`since` integer NOT NULL,
	`until` integer,
	PRIMARY KEY(`person`, `since`)
);

CREATE UNIQUE INDEX `people_now` ON `people` (`person`) WHERE "people"."until" is null;
CREATE TABLE `portal` (
	`portal` text NOT NULL,
	`policy` text NOT NULL,
	`at` integer NOT NULL,
	`since` integer NOT NULL,
	`until` integer,
	PRIMARY KEY(`portal`, `since`)
);

CREATE UNIQUE INDEX `portal_now` ON `portal` (`portal`) WHERE "portal"."until" is null;
CREATE TABLE `reservations` (
	`part` text NOT NULL,
	`site` text NOT NULL,
	`node` text NOT NULL,
	`reservation` text NOT NULL,
	`project` text NOT NULL,
	`startsAt` integer NOT NULL,
	`endsAt` integer NOT NULL,
	`note` text NOT NULL,
	`by` text NOT NULL,
	`at` integer NOT NULL,
	`since` integer NOT NULL,
	`until` integer,
	PRIMARY KEY(`part`, `reservation`, `since`)
);

CREATE UNIQUE INDEX `reservations_now` ON `reservations` (`part`,`reservation`) WHERE "reservations"."until" is null;
CREATE INDEX `reservations_order` ON `reservations` (`startsAt`,`part`,`reservation`);
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
