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
        sqlx::query!(
            "-- notifications.work_orders.add_sample
            INSERT INTO work_order_samples AS row (work_order_id, application_id, drawn_version)
            SELECT $1, drawn.application_id, $3 FROM unnest($2::uuid[]) AS drawn (application_id)
            ON CONFLICT (work_order_id, application_id)
            DO UPDATE SET drawn_version = least(row.drawn_version, excluded.drawn_version)",
            order.work_order_id,
            &order.sample,
            order.version,
        )
        .execute(db)
        .await?;
    }
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

/// Whether the expert sits on the order's panel.
///
/// # Errors
/// The database is away.
pub async fn seats(db: &mut PgConnection, work_order_id: Uuid, expert_id: Uuid) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"-- notifications.work_orders.seats
        SELECT EXISTS (SELECT 1 FROM work_order_experts WHERE expert_id = $1 AND work_order_id = $2) AS "seats!""#,
        expert_id,
        work_order_id,
    )
    .fetch_one(db)
    .await
}
