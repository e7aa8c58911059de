//! What the migrations made, and whether the database still has all of it.
//!
//! Names and switches only, so every version of Postgres lists the same. `objects.txt` is generated: see tests/it/docs.rs.

use std::collections::BTreeSet;

use sqlx::PgPool;

/// What a migrated schema has, one object a line.
const MADE: &str = include_str!("objects.txt");

/// How the schema differs from what the migrations made.
#[derive(Clone, Debug, Default)]
pub struct Differences {
    /// What is missing or switched off, as in `trigger guard_changes on payouts: on`.
    pub missing: Vec<String>,
    /// Triggers and rules on our tables that are not ours. They can swallow or change what the worker writes.
    pub foreign: Vec<String>,
}

impl Differences {
    fn between(made: &str, found: &[String]) -> Self {
        let made: BTreeSet<&str> = made.lines().collect();
        let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
        let names: BTreeSet<&str> = made.iter().map(name_of).collect();
        let is_foreign = |line: &&&str| {
            (line.starts_with("trigger ") || line.starts_with("rule "))
                && !names.contains(name_of(line))
        };
        let owned = |line: &&str| (*line).to_owned();
        // A right on the whole table is one on each of its columns.
        let is_covered =
            |line: &str| of_whole_table(line).is_some_and(|whole| found.contains(&*whole));
        let missing = made.difference(&found).filter(|line| !is_covered(line));
        Self {
            missing: missing.map(owned).collect(),
            foreign: found
                .difference(&made)
                .filter(is_foreign)
                .map(owned)
                .collect(),
        }
    }

    /// What a worker cannot do without: all but the rights of other roles, and the guards that fire for replicas only.
    pub fn missing_for_workers(&self) -> Vec<&str> {
        let missing = self.missing.iter().map(String::as_str);
        let is_of_workers = |line: &&str| {
            let is_grant = line.starts_with("grant ");
            !(is_grant && !line.ends_with(" to payout_worker")
                || line.ends_with(": on for replicas"))
        };
        missing.filter(is_of_workers).collect()
    }

    /// The missing ones of some kinds, such as `trigger`.
    pub fn missing_of<'s>(&'s self, kinds: &[&str]) -> Vec<&'s str> {
        let is_one = |line: &&str| {
            line.split(' ')
                .next()
                .is_some_and(|kind| kinds.contains(&kind))
        };
        self.missing
            .iter()
            .map(String::as_str)
            .filter(is_one)
            .collect()
    }
}

/// The right on a whole table of which this line, as in `grant insert of a on t to r`, gives one column.
fn of_whole_table(line: &str) -> Option<String> {
    let (right, rest) = line.strip_prefix("grant ")?.split_once(" of ")?;
    let (_, place) = rest.split_once(" on ")?;
    Some(format!("grant {right} on {place}"))
}

/// An object's line without how it is switched.
fn name_of<'s>(line: &&'s str) -> &'s str {
    line.split_once(": ").map_or(line, |(name, _)| name)
}

/// The objects of the schema, one a line, in no order.
pub async fn objects(pool: &PgPool) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"/* store::schema_objects */
        with schema as (select n.oid, n.nspacl from pg_namespace n where n.nspname = 'payout'),
             relation as (select c.* from pg_class c, schema s
                          where c.relnamespace = s.oid and c.relkind in ('r', 'v') and c.relname <> '_sqlx_migrations'),
             routine as (select p.oid, p.proacl,
                                format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)) as name
                         from pg_proc p, schema s where p.pronamespace = s.oid),
             role as (select r.oid, r.rolname as name from pg_roles r
                      where r.rolname in ('payout_enqueuer', 'payout_follower', 'payout_reader', 'payout_operator',
                                          'payout_worker'))
        select case r.relkind when 'v' then format('view %s', r.relname)
                              else format('table %s: %s', r.relname, case r.relpersistence when 'p' then 'logged' else 'not logged' end)
               end as "line!"
        from relation r
        union all
        select format('column %s.%s', r.relname, a.attname) from relation r
        join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
        union all
        select format('trigger %s on %s: %s', t.tgname, r.relname,
                      case t.tgenabled when 'O' then 'on' when 'R' then 'on for replicas' when 'A' then 'always on' else 'off' end)
        from relation r join pg_trigger t on t.tgrelid = r.oid and not t.tgisinternal
        union all
        select format('rule %s on %s: %s', w.rulename, r.relname, case w.ev_enabled when 'D' then 'off' else 'on' end)
        from relation r join pg_rewrite w on w.ev_class = r.oid and w.rulename <> '_RETURN'
        union all
        select format('constraint %s on %s', k.conname, r.relname)
        from relation r join pg_constraint k on k.conrelid = r.oid and k.contype in ('p', 'u', 'f', 'c', 'x') and k.convalidated
        union all
        select format('index %s on %s', i.indexrelid::regclass::text, r.relname) || case when i.indisunique then ': unique' else '' end
        from relation r join pg_index i on i.indrelid = r.oid and i.indisvalid and i.indisready
        union all
        select format('function %s', f.name) from routine f
        union all
        select format('grant usage to %s', o.name)
        from schema s cross join lateral aclexplode(s.nspacl) g join role o on o.oid = g.grantee
        where g.privilege_type = 'USAGE'
        union all
        select format('grant %s on %s to %s', lower(g.privilege_type), r.relname, o.name)
        from relation r cross join lateral aclexplode(r.relacl) g join role o on o.oid = g.grantee
        union all
        select format('grant %s of %s on %s to %s', lower(g.privilege_type), a.attname, r.relname, o.name)
        from relation r
        join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
        cross join lateral aclexplode(a.attacl) g join role o on o.oid = g.grantee
        union all
        select format('grant execute on %s to %s', f.name, o.name)
        from routine f cross join lateral aclexplode(f.proacl) g join role o on o.oid = g.grantee"#,
    )
    .fetch_all(pool)
    .await
}

/// How the schema differs from what the migrations made.
pub async fn differences(pool: &PgPool) -> Result<Differences, sqlx::Error> {
    Ok(Differences::between(MADE, &objects(pool).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_switched_off_or_not_ours_is_named() {
        let made = "grant insert of a on t to payout_worker\ngrant select on status to payout_reader\ntrigger a on t: on\ntrigger b on t: on\nindex i on t";
        let found = [
            "grant insert on t to payout_worker",
            "trigger a on t: off",
            "trigger z on t: on",
            "rule r on t: on",
            "index mine on t",
        ];
        let differences = Differences::between(made, &found.map(str::to_owned));
        assert_eq!(
            differences.foreign,
            ["rule r on t: on", "trigger z on t: on"]
        );
        let for_workers = ["index i on t", "trigger a on t: on", "trigger b on t: on"];
        assert_eq!(differences.missing_for_workers(), for_workers);
        assert_eq!(
            differences.missing_of(&["grant"]),
            ["grant select on status to payout_reader"]
        );
    }
}
