//! What the login that migrates may not do, and what a DBA does about it.

use sqlx::PgPool;

/// The roles that the migrations grant rights to.
const ROLES: [&str; 5] = [
    "payout_enqueuer",
    "payout_follower",
    "payout_reader",
    "payout_operator",
    "payout_worker",
];

/// What the migrations would need.
pub(super) struct Rights {
    /// The schema is there.
    pub(super) has_schema: bool,
    /// The statements that a DBA must run first; none if the login may do everything itself.
    pub(super) for_a_dba: Vec<String>,
}

/// Reads what the login may do.
pub(super) async fn rights(pool: &PgPool) -> Result<Rights, sqlx::Error> {
    let found = sqlx::query!(
        r#"/* store::rights_to_migrate */
        select quote_ident(current_user) as "login!", n.nspname is not null as "has_schema!",
               case when n.nspname is null then has_database_privilege(current_database(), 'create')
                    else has_schema_privilege(n.oid, 'create') and pg_has_role(n.nspowner, 'usage') end as "may_create!",
               (select r.rolcreaterole or r.rolsuper from pg_roles r where r.rolname = current_user) as "may_create_roles!",
               array(select w.role from unnest($1::text[]) w (role)
                     where not exists (select from pg_roles r where r.rolname = w.role)) as "missing_roles!: Vec<String>"
        from (values (1)) one left join pg_namespace n on n.nspname = 'payout'"#,
        &ROLES.map(str::to_owned),
    )
    .fetch_one(pool)
    .await?;
    let mut for_a_dba = Vec::new();
    if !found.may_create {
        for_a_dba.push(if found.has_schema {
            format!("alter schema payout owner to {};", found.login)
        } else {
            format!("create schema payout authorization {};", found.login)
        });
    }
    if !found.may_create_roles {
        let create = |role: &String| format!("create role {role} nologin;");
        for_a_dba.extend(found.missing_roles.iter().map(create));
    }
    Ok(Rights {
        has_schema: found.has_schema,
        for_a_dba,
    })
}
