//! Statements of every module.

use anyhow::Result;
use sqlx::{AssertSqlSafe, PgConnection};

/// Runs a statement whose result nobody needs.
pub(crate) async fn execute(db: &mut PgConnection, statement: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(db)
        .await?;
    Ok(())
}
