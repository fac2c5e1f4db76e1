-- 操作日志 is read the latest first, by who acted, by what was done, by what was refused.
CREATE INDEX audit_log_latest ON audit_log (happened_at, shard, position);
CREATE INDEX audit_log_actor ON audit_log (actor, happened_at);
CREATE INDEX audit_log_act ON audit_log (act, happened_at);
CREATE INDEX audit_log_refused ON audit_log (happened_at) WHERE refusal <> '';
DROP INDEX audit_log_at;
