# A cluster made, used and stopped.
set -e
programs=${PLUGPULL_POSTGRES:?}
"$programs/initdb" --pgdata=cluster --username=postgres --auth=trust --no-sync >/dev/null
"$programs/pg_ctl" --pgdata=cluster --wait --log="$PLUGPULL_SCRATCH/log" \
  --options="-c listen_addresses= -c unix_socket_directories=$PLUGPULL_SCRATCH" start >/dev/null
"$programs/psql" --host="$PLUGPULL_SCRATCH" --username=postgres --quiet --set=ON_ERROR_STOP=1 <<SQL
create table t(a serial primary key, b text);
insert into t(b) select repeat('x', n % 500) from generate_series(1, 2000) n;
update t set b = b || 'y' where a % 3 = 0;
checkpoint;
delete from t where a % 5 = 0;
vacuum t;
create index on t(b);
SQL
"$programs/pg_ctl" --pgdata=cluster --wait --mode=fast stop >/dev/null
