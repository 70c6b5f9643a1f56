-- Most updates move nothing and write nothing that questions ask for: they say so, and the tables beside `entity`
-- need not be compared with it. Who says nothing is followed.
drop trigger follow_updated on entity;
create trigger follow_updated after update on entity referencing old table as old_rows new table as new_rows
for each statement when (current_setting('yukitsuri.follow', true) is distinct from 'off')
execute function follow_entities();
