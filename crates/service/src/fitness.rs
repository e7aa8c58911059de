//! Whether a worker may run on this database, as this login.

use payout_config::Config;
use payout_store::{
    fitness,
    schema::{self, SchemaError, objects},
};
use sqlx::PgPool;

use super::{Away, Unfit};

/// Fails with [`Unfit`] where the schema does not fit this program, or the login could switch the guards off.
pub(super) async fn check(pool: &PgPool, config: &Config) -> anyhow::Result<()> {
    // First: what hides rows hides also which migrations there are.
    let fitness = fitness::fitness(pool).await?;
    if let Some(why) = fitness.why_unfit() {
        return Err(Unfit(why).into());
    }
    if let Some(why) = fitness.why_read_only() {
        return Err(Away(why.to_string()).into());
    }
    let of_a_worker = [fitness.lacks_worker_role(), fitness.too_few_connections()];
    if let Some(why) = of_a_worker.iter().flatten().next() {
        return Err(Unfit(why.to_string()).into());
    }
    let missing = schema::missing(pool).await.map_err(of_schema)?;
    if !missing.is_empty() {
        let names = missing.join(", ");
        return Err(Unfit(format!(
            "the database lacks these migrations: {names}. Run `payout migrate`"
        ))
        .into());
    }
    if !config.database.allow_owner {
        let differences = objects::differences(pool).await?;
        let gone = differences.missing_for_workers();
        if let Some(first) = gone.first() {
            let count = gone.len();
            return Err(Unfit(format!(
                "the schema lacks what the migrations made ({count} in all): {first}. `payout doctor` lists it"
            ))
            .into());
        }
    }
    if fitness.could_switch_guards_off && !config.database.allow_owner {
        return Err(Unfit(
            "this login is a superuser or owns the schema, so it could switch the guards off. Run the worker under a \
             login that is only a member of payout_worker (or, for a demo, set [database] allow_owner = true)"
                .to_owned(),
        )
        .into());
    }
    Ok(())
}

fn of_schema(error: SchemaError) -> anyhow::Error {
    match error {
        SchemaError::Database(error) => error.into(),
        SchemaError::Away(error) => error.into(),
        error @ SchemaError::Locked(_) => error.into(),
        error @ (SchemaError::Migrate(_)
        | SchemaError::OtherGateway(_)
        | SchemaError::Unfit(_)
        | SchemaError::Address(_)) => Unfit(format!(
            "{error}; this version of the program does not fit this database"
        ))
        .into(),
    }
}
