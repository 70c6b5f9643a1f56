-- Since when roll-ups of each level are there: seconds of a level -> instant. Of a level that is not named they are there
-- since raw_until, for it was declared when the readings before were gone. Until now this was not kept: all count as built.
alter table policy add column level_since jsonb not null default '{}';
update policy set level_since = (select coalesce(jsonb_object_agg(key, '-infinity'), '{}') from jsonb_object_keys(levels) key)
where raw_until > '-infinity';
