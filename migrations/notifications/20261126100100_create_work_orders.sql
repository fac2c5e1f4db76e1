-- Who of the experts sees a work order's tasks, and which members were drawn. Each part carries the version of the
-- event that it came from: launch and freeze reach different consumers and may arrive in either order.
CREATE TABLE work_orders (
    work_order_id uuid PRIMARY KEY,
    round_id uuid,
    prefecture text NOT NULL,
    batch integer NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    panel_version bigint NOT NULL DEFAULT 0 CHECK (panel_version BETWEEN 0 AND version)
);

CREATE TABLE work_order_experts (
    work_order_id uuid NOT NULL REFERENCES work_orders (work_order_id),
    expert_id uuid NOT NULL,
    PRIMARY KEY (expert_id, work_order_id)
);
CREATE INDEX work_order_experts_order ON work_order_experts (work_order_id);

-- Draws only add: a freeze draws, a widened sample draws again, and who comes back to a frozen order is drawn by force.
-- A member that left the order is matched by worklist.work_order_id, so its old row here does no harm. No foreign key:
-- the member's event may arrive before its order's.
CREATE TABLE work_order_samples (
    work_order_id uuid NOT NULL,
    application_id uuid NOT NULL,
    PRIMARY KEY (work_order_id, application_id)
);
