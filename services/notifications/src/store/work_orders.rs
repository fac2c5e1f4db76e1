//! Rows of `work_orders`, `work_order_experts`, `work_order_samples`: who of the experts sees what, who was drawn.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::work_order::Changed;

/// Takes over what an event says of an order: the panel where it names one at a higher version, drawn members added.
///
/// # Errors
/// The database is away.
pub async fn save(db: &mut PgConnection, order: &Changed) -> Result<(), sqlx::Error> {
    // Locks the order's row, so that two consumers cannot write its parts at the same time.
    let panel_version = sqlx::query_scalar!(
        "-- notifications.work_orders.save
        INSERT INTO work_orders AS row (work_order_id, round_id, prefecture, batch, version)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (work_order_id) DO UPDATE SET version = greatest(row.version, excluded.version)
        RETURNING panel_version",
        order.work_order_id,
        order.round_id,
        order.prefecture,
        order.batch,
        order.version,
    )
    .fetch_one(&mut *db)
    .await?;
    if !order.experts.is_empty() && order.version > panel_version {
        save_panel(db, order).await?;
    }
    if !order.sample.is_empty() {
        add_sample(db, order.work_order_id, &order.sample).await?;
    }
    Ok(())
}

/// Notes members as drawn; who is drawn already stays so.
///
/// # Errors
/// The database is away.
pub async fn add_sample(
    db: &mut PgConnection,
    work_order_id: Uuid,
    applications: &[Uuid],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "-- notifications.work_orders.add_sample
        INSERT INTO work_order_samples (work_order_id, application_id)
        SELECT $1, drawn.application_id FROM unnest($2::uuid[]) AS drawn (application_id)
        ON CONFLICT DO NOTHING",
        work_order_id,
        applications,
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn save_panel(db: &mut PgConnection, order: &Changed) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "-- notifications.work_orders.save_panel
        UPDATE work_orders SET panel_version = $2 WHERE work_order_id = $1",
        order.work_order_id,
        order.version,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "-- notifications.work_orders.leave_panel
        DELETE FROM work_order_experts WHERE work_order_id = $1 AND expert_id <> ALL ($2)",
        order.work_order_id,
        &order.experts,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "-- notifications.work_orders.join_panel
        INSERT INTO work_order_experts (work_order_id, expert_id)
        SELECT DISTINCT $1::uuid, named.expert_id FROM unnest($2::uuid[]) AS named (expert_id)
        ON CONFLICT DO NOTHING",
        order.work_order_id,
        &order.experts,
    )
    .execute(db)
    .await?;
    Ok(())
}
