CREATE SEQUENCE orders_number AS BIGINT

CREATE TABLE accounts (
	id BIGSERIAL NOT NULL,
	email TEXT NOT NULL,
	email_key TEXT NOT NULL,
	address TEXT NOT NULL,
	password TEXT NOT NULL,
	is_active BOOLEAN DEFAULT true NOT NULL,
	role TEXT NOT NULL CONSTRAINT accounts_role CHECK (role IN ('customer', 'operator')),
	sessions_valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	PRIMARY KEY (id),
	CONSTRAINT accounts_password_hashed CHECK (password LIKE '$argon2id$%'),
	UNIQUE (email_key)
)

CREATE TABLE attempts (
	bucket TEXT NOT NULL,
	window_start TIMESTAMP WITH TIME ZONE NOT NULL,
	window_end TIMESTAMP WITH TIME ZONE NOT NULL,
	count INTEGER NOT NULL,
	PRIMARY KEY (bucket)
)

CREATE INDEX attempts_by_end ON attempts (window_end)

CREATE TABLE audit (
	id BIGSERIAL NOT NULL,
	action TEXT NOT NULL,
	subject TEXT NOT NULL,
	actor TEXT NOT NULL,
	request_id TEXT NOT NULL,
	address TEXT,
	at TIMESTAMP WITH TIME ZONE NOT NULL,
	details BYTEA NOT NULL,
	tx BIGINT NOT NULL,
	PRIMARY KEY (id)
)

CREATE INDEX audit_by_actor ON audit (actor)

CREATE INDEX audit_by_subject ON audit (subject)

CREATE TABLE audit_blocks (
	id INTEGER NOT NULL,
	first_id BIGINT NOT NULL,
	last_id BIGINT NOT NULL,
	previous BYTEA NOT NULL,
	hash BYTEA NOT NULL,
	at TIMESTAMP WITH TIME ZONE NOT NULL,
	PRIMARY KEY (id),
	UNIQUE (last_id),
	UNIQUE (hash)
)

CREATE TABLE carts (
	id BIGSERIAL NOT NULL,
	account_id BIGINT NOT NULL,
	version INTEGER NOT NULL,
	is_open BOOLEAN DEFAULT true NOT NULL,
	last_updated TIMESTAMP WITH TIME ZONE NOT NULL,
	PRIMARY KEY (id)
)

CREATE UNIQUE INDEX carts_one_open ON carts (account_id) WHERE is_open

CREATE TABLE idempotency (
	principal TEXT NOT NULL,
	route TEXT NOT NULL,
	key TEXT NOT NULL,
	fingerprint BYTEA NOT NULL,
	kind TEXT,
	body BYTEA,
	at TIMESTAMP WITH TIME ZONE NOT NULL,
	PRIMARY KEY (principal, route, key)
)

CREATE INDEX idempotency_by_age ON idempotency (at)

CREATE TABLE inbox (
	id BIGSERIAL NOT NULL,
	method TEXT NOT NULL,
	event_id TEXT NOT NULL,
	event BYTEA NOT NULL,
	body BYTEA NOT NULL,
	state TEXT NOT NULL CONSTRAINT inbox_state CHECK (state IN ('waiting', 'done', 'dead')),
	attempts INTEGER NOT NULL,
	fence INTEGER NOT NULL,
	next_try_at TIMESTAMP WITH TIME ZONE NOT NULL,
	received_at TIMESTAMP WITH TIME ZONE NOT NULL,
	settled_at TIMESTAMP WITH TIME ZONE,
	PRIMARY KEY (id),
	CONSTRAINT inbox_once UNIQUE (method, event_id)
)

CREATE INDEX inbox_due ON inbox (next_try_at) WHERE state = 'waiting'

CREATE TABLE outbox (
	id BIGSERIAL NOT NULL,
	kind TEXT NOT NULL,
	subject TEXT NOT NULL,
	payload BYTEA NOT NULL,
	at TIMESTAMP WITH TIME ZONE NOT NULL,
	state TEXT DEFAULT 'waiting' NOT NULL CONSTRAINT outbox_state CHECK (state IN ('waiting', 'done', 'dead')),
	attempt INTEGER DEFAULT 0 NOT NULL,
	fence INTEGER DEFAULT 0 NOT NULL,
	next_try_at TIMESTAMP WITH TIME ZONE NOT NULL,
	note TEXT DEFAULT '' NOT NULL,
	tx BIGINT NOT NULL,
	PRIMARY KEY (id)
)

CREATE INDEX outbox_by_subject ON outbox (subject)

CREATE INDEX outbox_due ON outbox (next_try_at) WHERE state = 'waiting'

CREATE TABLE payables (
	invoice_id TEXT NOT NULL,
	customer_id BIGINT NOT NULL,
	amount BIGINT NOT NULL CONSTRAINT payables_amount_not_negative CHECK (amount >= 0),
	currency TEXT NOT NULL,
	state TEXT NOT NULL CONSTRAINT payables_state CHECK (state IN ('open', 'paid', 'closed')),
	pay_until TIMESTAMP WITH TIME ZONE NOT NULL,
	version INTEGER NOT NULL,
	PRIMARY KEY (invoice_id)
)

CREATE INDEX payables_open_until ON payables (pay_until) WHERE state = 'open'

CREATE TABLE payments (
	id BIGSERIAL NOT NULL,
	invoice_id TEXT NOT NULL,
	status TEXT NOT NULL,
	method TEXT NOT NULL,
	nominal BIGINT NOT NULL CONSTRAINT payments_nominal_positive CHECK (nominal > 0),
	created_date TIMESTAMP WITH TIME ZONE NOT NULL,
	last_updated TIMESTAMP WITH TIME ZONE NOT NULL,
	currency TEXT NOT NULL,
	merchant_ref TEXT NOT NULL,
	provider_ref TEXT,
	is_live BOOLEAN NOT NULL,
	in_doubt BOOLEAN DEFAULT false NOT NULL,
	late BOOLEAN DEFAULT false NOT NULL,
	conflict BOOLEAN DEFAULT false NOT NULL,
	needs_review BOOLEAN DEFAULT false NOT NULL,
	authorized BIGINT NOT NULL,
	captured BIGINT NOT NULL,
	refunded BIGINT NOT NULL,
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
	plugin_state BYTEA NOT NULL,
	next_action BYTEA NOT NULL,
	return_token_hash BYTEA NOT NULL,
	return_url TEXT,
	PRIMARY KEY (id),
	CONSTRAINT payments_refunded_within_captured CHECK (refunded >= 0 AND refunded <= captured),
	UNIQUE (merchant_ref),
	UNIQUE (return_token_hash)
)

CREATE INDEX payments_by_invoice ON payments (invoice_id)

CREATE INDEX payments_by_provider_ref ON payments (method, provider_ref)

CREATE UNIQUE INDEX payments_one_live ON payments (invoice_id) WHERE is_live

CREATE TABLE products (
	id BIGSERIAL NOT NULL,
	sku TEXT NOT NULL,
	name TEXT NOT NULL,
	quantity BIGINT NOT NULL,
	price BIGINT NOT NULL,
	currency TEXT NOT NULL,
	is_active BOOLEAN DEFAULT true NOT NULL,
	version INTEGER DEFAULT 1 NOT NULL,
	PRIMARY KEY (id),
	CONSTRAINT products_quantity_not_negative CHECK (quantity >= 0),
	CONSTRAINT products_price_not_negative CHECK (price >= 0),
	UNIQUE (sku)
)

CREATE TABLE cart_lines (
	cart_id BIGINT NOT NULL,
	product_id BIGINT NOT NULL,
	quantity BIGINT NOT NULL CONSTRAINT cart_lines_quantity_positive CHECK (quantity > 0),
	price_when_added BIGINT NOT NULL,
	PRIMARY KEY (cart_id, product_id),
	FOREIGN KEY(cart_id) REFERENCES carts (id),
	FOREIGN KEY(product_id) REFERENCES products (id)
)

CREATE TABLE movements (
	payment_id BIGINT NOT NULL,
	kind TEXT NOT NULL CONSTRAINT movements_kind CHECK (kind IN ('auth', 'capture', 'refund', 'chargeback')),
	id TEXT NOT NULL,
	state INTEGER NOT NULL,
	amount BIGINT NOT NULL CONSTRAINT movements_amount_positive CHECK (amount > 0),
	currency TEXT NOT NULL,
	at TIMESTAMP WITH TIME ZONE,
	first_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
	tx BIGINT NOT NULL,
	PRIMARY KEY (payment_id, kind, id),
	FOREIGN KEY(payment_id) REFERENCES payments (id)
)

CREATE UNIQUE INDEX movements_bank_reference ON movements (id) WHERE kind = 'capture' AND substr(id, 1, 5) = 'bank:'

CREATE INDEX movements_by_id ON movements (id)

CREATE TABLE operations (
	id TEXT NOT NULL,
	payment_id BIGINT NOT NULL,
	kind TEXT NOT NULL,
	state INTEGER NOT NULL,
	amount BIGINT,
	attempt INTEGER NOT NULL,
	sent_at TIMESTAMP WITH TIME ZONE NOT NULL,
	next_check_at TIMESTAMP WITH TIME ZONE,
	checks INTEGER DEFAULT 0 NOT NULL,
	not_found INTEGER DEFAULT 0 NOT NULL,
	executed BOOLEAN,
	code TEXT DEFAULT '' NOT NULL,
	last_updated TIMESTAMP WITH TIME ZONE NOT NULL,
	claim BYTEA,
	lease_until TIMESTAMP WITH TIME ZONE,
	fence INTEGER DEFAULT 0 NOT NULL,
	PRIMARY KEY (id),
	FOREIGN KEY(payment_id) REFERENCES payments (id)
)

CREATE INDEX operations_by_payment ON operations (payment_id)

CREATE INDEX operations_due ON operations (next_check_at) WHERE next_check_at IS NOT NULL

CREATE UNIQUE INDEX operations_one_start ON operations (payment_id) WHERE kind = 'start'

CREATE TABLE orders (
	invoice_id TEXT NOT NULL,
	account_id BIGINT NOT NULL,
	cart_id BIGINT NOT NULL,
	status TEXT NOT NULL CONSTRAINT orders_status CHECK (status IN ('awaiting_payment', 'paid', 'canceled', 'expired')),
	total BIGINT NOT NULL CONSTRAINT orders_total_not_negative CHECK (total >= 0),
	currency TEXT NOT NULL,
	email TEXT NOT NULL,
	address TEXT NOT NULL,
	number BIGINT NOT NULL,
	events INTEGER NOT NULL,
	placed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	pay_until TIMESTAMP WITH TIME ZONE NOT NULL,
	last_updated TIMESTAMP WITH TIME ZONE NOT NULL,
	PRIMARY KEY (invoice_id),
	UNIQUE (cart_id),
	FOREIGN KEY(cart_id) REFERENCES carts (id),
	UNIQUE (number)
)

CREATE INDEX orders_by_account ON orders (account_id, number)

CREATE TABLE postings (
	key TEXT NOT NULL,
	payment_id BIGINT,
	at TIMESTAMP WITH TIME ZONE NOT NULL,
	tx BIGINT NOT NULL,
	PRIMARY KEY (key),
	FOREIGN KEY(payment_id) REFERENCES payments (id)
)

CREATE INDEX postings_by_payment ON postings (payment_id)

CREATE TABLE sessions (
	id BIGSERIAL NOT NULL,
	account_id BIGINT NOT NULL,
	token_hash BYTEA NOT NULL,
	label TEXT NOT NULL,
	opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
	last_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
	idle_until TIMESTAMP WITH TIME ZONE NOT NULL,
	ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
	ended_at TIMESTAMP WITH TIME ZONE,
	PRIMARY KEY (id),
	CONSTRAINT sessions_token_hashed CHECK (length(token_hash) = 32),
	FOREIGN KEY(account_id) REFERENCES accounts (id),
	UNIQUE (token_hash)
)

CREATE INDEX sessions_by_account ON sessions (account_id)

CREATE INDEX sessions_by_end ON sessions (ends_at)

CREATE TABLE stock_moves (
	id BIGSERIAL NOT NULL,
	product_id BIGINT NOT NULL,
	delta BIGINT NOT NULL,
	reason TEXT NOT NULL CONSTRAINT stock_moves_reason CHECK (reason IN ('received', 'correction', 'taken', 'given_back', 'taken_late')),
	note TEXT DEFAULT '' NOT NULL,
	invoice_id TEXT,
	at TIMESTAMP WITH TIME ZONE NOT NULL,
	tx BIGINT NOT NULL,
	PRIMARY KEY (id),
	FOREIGN KEY(product_id) REFERENCES products (id)
)

CREATE INDEX stock_moves_by_invoice ON stock_moves (invoice_id)

CREATE INDEX stock_moves_by_product ON stock_moves (product_id)

CREATE UNIQUE INDEX stock_moves_once ON stock_moves (invoice_id, product_id, reason) WHERE invoice_id IS NOT NULL

CREATE TABLE suspense (
	key TEXT NOT NULL,
	method TEXT NOT NULL,
	amount BIGINT NOT NULL CONSTRAINT suspense_amount_positive CHECK (amount > 0),
	currency TEXT NOT NULL,
	reason TEXT NOT NULL,
	state TEXT NOT NULL CONSTRAINT suspense_state CHECK (state IN ('open', 'assigned', 'refunded')),
	payment_id BIGINT,
	note TEXT NOT NULL,
	at TIMESTAMP WITH TIME ZONE NOT NULL,
	PRIMARY KEY (key),
	FOREIGN KEY(payment_id) REFERENCES payments (id)
)

CREATE INDEX suspense_by_payment ON suspense (payment_id)

CREATE TABLE ledger (
	id BIGSERIAL NOT NULL,
	posting_key TEXT NOT NULL,
	account TEXT NOT NULL,
	amount BIGINT NOT NULL,
	currency TEXT NOT NULL,
	PRIMARY KEY (id),
	FOREIGN KEY(posting_key) REFERENCES postings (key)
)

CREATE INDEX ledger_by_posting ON ledger (posting_key)

CREATE TABLE order_adjustments (
	invoice_id TEXT NOT NULL,
	position INTEGER NOT NULL,
	kind TEXT NOT NULL,
	label TEXT NOT NULL,
	amount BIGINT NOT NULL,
	included BOOLEAN NOT NULL,
	PRIMARY KEY (invoice_id, position),
	FOREIGN KEY(invoice_id) REFERENCES orders (invoice_id)
)

CREATE TABLE order_events (
	invoice_id TEXT NOT NULL,
	seq INTEGER NOT NULL,
	from_status TEXT,
	to_status TEXT NOT NULL,
	at TIMESTAMP WITH TIME ZONE NOT NULL,
	tx BIGINT NOT NULL,
	PRIMARY KEY (invoice_id, seq),
	FOREIGN KEY(invoice_id) REFERENCES orders (invoice_id)
)

CREATE TABLE order_lines (
	invoice_id TEXT NOT NULL,
	product_id BIGINT NOT NULL,
	sku TEXT NOT NULL,
	name TEXT NOT NULL,
	quantity BIGINT NOT NULL,
	price BIGINT NOT NULL,
	total BIGINT NOT NULL,
	PRIMARY KEY (invoice_id, product_id),
	CONSTRAINT order_lines_total CHECK (total = price * quantity),
	FOREIGN KEY(invoice_id) REFERENCES orders (invoice_id),
	FOREIGN KEY(product_id) REFERENCES products (id)
)

CREATE FUNCTION kassa_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_TABLE_NAME || '_append_only', MESSAGE = TG_TABLE_NAME || ' is append-only'; END $$

CREATE TRIGGER stock_moves_append_only BEFORE UPDATE OR DELETE ON stock_moves FOR EACH ROW EXECUTE FUNCTION kassa_append_only()

CREATE TRIGGER order_lines_append_only BEFORE UPDATE OR DELETE ON order_lines FOR EACH ROW EXECUTE FUNCTION kassa_append_only()

CREATE TRIGGER order_adjustments_append_only BEFORE UPDATE OR DELETE ON order_adjustments FOR EACH ROW EXECUTE FUNCTION kassa_append_only()

CREATE TRIGGER order_events_append_only BEFORE UPDATE OR DELETE ON order_events FOR EACH ROW EXECUTE FUNCTION kassa_append_only()

CREATE TRIGGER postings_append_only BEFORE UPDATE OR DELETE ON postings FOR EACH ROW EXECUTE FUNCTION kassa_append_only()

CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON ledger FOR EACH ROW EXECUTE FUNCTION kassa_append_only()

CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION kassa_append_only()

CREATE TRIGGER audit_blocks_append_only BEFORE UPDATE OR DELETE ON audit_blocks FOR EACH ROW EXECUTE FUNCTION kassa_append_only()

CREATE VIEW invariant_violations (check_name, subject, detail) AS
SELECT 'M1' AS check_name, subject, detail FROM (
        SELECT l.posting_key AS subject,
            'its entries sum to ' || CAST(SUM(l.amount) AS TEXT) || ' ' || l.currency AS detail
        FROM ledger l GROUP BY l.posting_key, l.currency HAVING SUM(l.amount) <> 0) q
UNION ALL
SELECT 'M1' AS check_name, subject, detail FROM (
        SELECT p."key" AS subject, 'a posting without entries' AS detail
        FROM postings p WHERE NOT EXISTS (SELECT 1 FROM ledger l WHERE l.posting_key = p."key")) q
UNION ALL
SELECT 'M2' AS check_name, subject, detail FROM (
        SELECT 'payment:' || CAST(p.id AS TEXT) AS subject,
            'captured ' || CAST(p.captured AS TEXT) || ', refunded ' || CAST(p.refunded AS TEXT)
            || '; its movements say ' || CAST(COALESCE(m.captured, 0) AS TEXT)
            || ' and ' || CAST(COALESCE(m.gone, 0) AS TEXT) AS detail
        FROM payments p LEFT JOIN (
            SELECT payment_id,
                SUM(CASE WHEN kind = 'auth' THEN amount ELSE 0 END) AS authorized,
                SUM(CASE WHEN kind = 'capture' THEN amount ELSE 0 END) AS captured,
                SUM(CASE WHEN kind IN ('refund', 'chargeback') THEN amount ELSE 0 END) AS gone
            FROM movements WHERE state = 3 GROUP BY payment_id
        ) m ON m.payment_id = p.id
        WHERE p.authorized <> COALESCE(m.authorized, 0) OR p.captured <> COALESCE(m.captured, 0)
            OR p.refunded <> COALESCE(CASE WHEN m.gone > m.captured THEN m.captured ELSE m.gone END, 0)
            OR (m.gone > m.captured AND NOT p.needs_review)) q
UNION ALL
SELECT 'M2' AS check_name, subject, detail FROM (
        SELECT 'payment:' || CAST(p.id AS TEXT) AS subject,
            'nominal ' || CAST(p.nominal AS TEXT) || ', captured ' || CAST(p.captured AS TEXT)
            || ', refunded ' || CAST(p.refunded AS TEXT) || ': ' || p.status AS detail
        FROM payments p
        WHERE p.refunded < 0 OR p.refunded > p.captured
            OR (p.captured > p.nominal AND p.status NOT IN ('overpaid', 'refunded', 'partially_refunded'))) q
UNION ALL
SELECT 'M3' AS check_name, subject, detail FROM (
        SELECT 'order:' || k.invoice_id AS subject,
            CAST(k.kept AS TEXT) || ' are kept for an order of ' || CAST(k.amount AS TEXT) AS detail
        FROM (
    SELECT y.invoice_id, y.amount, y.state,
        COALESCE(-SUM(l.amount), 0) AS kept,
        COALESCE(-SUM(CASE WHEN l.amount < 0 THEN l.amount ELSE 0 END), 0) AS credited
    FROM payables y LEFT JOIN ledger l ON l.account = 'payable:' || y.invoice_id
    GROUP BY y.invoice_id, y.amount, y.state) k WHERE k.kept > k.amount) q
UNION ALL
SELECT 'M3' AS check_name, subject, detail FROM (
        SELECT 'suspense:' || s.currency AS subject,
            CAST(SUM(s.waiting) AS TEXT) || ' wait by name, ' || CAST(SUM(s.posted) AS TEXT) || ' by the books' AS detail
        FROM (
            SELECT currency, amount AS waiting, 0 AS posted FROM suspense WHERE state = 'open'
            UNION ALL SELECT currency, 0, -amount FROM ledger WHERE account = 'suspense'
        ) s GROUP BY s.currency HAVING SUM(s.waiting) <> SUM(s.posted)) q
UNION ALL
SELECT 'M5' AS check_name, subject, detail FROM (
        SELECT CAST(m.payment_id AS TEXT) || '/' || m.kind || '/' || m.id || '/' || s.word AS subject, 'a movement without its posting' AS detail
        FROM
movements m JOIN (
    SELECT 'SUCCEEDED' AS word, 3 AS state, 1 AS sign UNION ALL SELECT 'REVERSED', 4, -1
) s ON m.state >= s.state AND m.kind <> 'auth' WHERE NOT EXISTS (SELECT 1 FROM postings p WHERE p."key" = CAST(m.payment_id AS TEXT) || '/' || m.kind || '/' || m.id || '/' || s.word)) q
UNION ALL
SELECT 'M5' AS check_name, subject, detail FROM (
        SELECT p."key" AS subject, 'a posting of nothing that moved' AS detail
        FROM postings p WHERE p."key" NOT LIKE 'suspense/%' AND NOT EXISTS (
            SELECT 1 FROM
movements m JOIN (
    SELECT 'SUCCEEDED' AS word, 3 AS state, 1 AS sign UNION ALL SELECT 'REVERSED', 4, -1
) s ON m.state >= s.state AND m.kind <> 'auth' WHERE m.payment_id = p.payment_id AND p."key" = CAST(m.payment_id AS TEXT) || '/' || m.kind || '/' || m.id || '/' || s.word
        )) q
UNION ALL
SELECT 'M5' AS check_name, subject, detail FROM (
        SELECT CAST(m.payment_id AS TEXT) || '/' || m.kind || '/' || m.id || '/' || s.word AS subject,
            'it posts ' || CAST(SUM(l.amount) AS TEXT) || ' for a movement of ' || CAST(m.amount AS TEXT) AS detail
        FROM
movements m JOIN (
    SELECT 'SUCCEEDED' AS word, 3 AS state, 1 AS sign UNION ALL SELECT 'REVERSED', 4, -1
) s ON m.state >= s.state AND m.kind <> 'auth' JOIN ledger l ON l.posting_key = CAST(m.payment_id AS TEXT) || '/' || m.kind || '/' || m.id || '/' || s.word AND l.account LIKE 'clearing:%'
        GROUP BY m.payment_id, m.kind, m.id, s.word, s.sign, m.amount
        HAVING SUM(l.amount) <> s.sign * CASE m.kind WHEN 'capture' THEN m.amount ELSE -m.amount END) q
UNION ALL
SELECT 'M5' AS check_name, subject, detail FROM (
        SELECT p."key" AS subject, 'a posting of no money in suspense' AS detail
        FROM postings p WHERE p."key" LIKE 'suspense/%' AND NOT EXISTS (
            SELECT 1 FROM suspense s
            WHERE substr(p."key", 1, length(s."key") + 10) = 'suspense/' || s."key" || '/'
        )) q
UNION ALL
SELECT 'M5' AS check_name, subject, detail FROM (
        SELECT 'suspense/' || s."key" AS subject, 'its arrival was not posted as it is' AS detail
        FROM suspense s WHERE NOT EXISTS (
            SELECT 1 FROM ledger l
            WHERE l.posting_key = 'suspense/' || s."key" || '/arrived' AND l.account = 'suspense'
                AND l.amount = -s.amount AND l.currency = s.currency
        )) q
UNION ALL
SELECT 'X3' AS check_name, subject, detail FROM (
        SELECT p."key" AS subject,
            'posted by transaction ' || CAST(p.tx AS TEXT) || ', moved by ' || CAST(m.tx AS TEXT) AS detail
        FROM
movements m JOIN (
    SELECT 'SUCCEEDED' AS word, 3 AS state, 1 AS sign UNION ALL SELECT 'REVERSED', 4, -1
) s ON m.state >= s.state AND m.kind <> 'auth' JOIN postings p ON p."key" = CAST(m.payment_id AS TEXT) || '/' || m.kind || '/' || m.id || '/' || s.word
        WHERE m.state = s.state AND p.tx <> m.tx) q
UNION ALL
SELECT 'M4' AS check_name, subject, detail FROM (
        SELECT 'order:' || o.invoice_id AS subject,
            'the order is ' || o.status || ', its payable ' || COALESCE(y.state, 'missing') AS detail
        FROM orders o LEFT JOIN payables y ON y.invoice_id = o.invoice_id
        WHERE COALESCE(y.state, '')
            <> CASE o.status WHEN 'awaiting_payment' THEN 'open' WHEN 'paid' THEN 'paid' ELSE 'closed' END) q
UNION ALL
SELECT 'M4' AS check_name, subject, detail FROM (
        SELECT 'order:' || y.invoice_id AS subject, 'a payable without an order' AS detail
        FROM payables y WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.invoice_id = y.invoice_id)) q
UNION ALL
SELECT 'M4' AS check_name, subject, detail FROM (
        SELECT 'payment:' || CAST(p.id AS TEXT) AS subject, 'a payment without a payable' AS detail
        FROM payments p WHERE NOT EXISTS (SELECT 1 FROM payables y WHERE y.invoice_id = p.invoice_id)) q
UNION ALL
SELECT 'M4' AS check_name, subject, detail FROM (
        SELECT 'order:' || k.invoice_id AS subject,
            'paid, but only ' || CAST(k.credited AS TEXT) || ' of ' || CAST(k.amount AS TEXT) || ' ever came' AS detail
        FROM (
    SELECT y.invoice_id, y.amount, y.state,
        COALESCE(-SUM(l.amount), 0) AS kept,
        COALESCE(-SUM(CASE WHEN l.amount < 0 THEN l.amount ELSE 0 END), 0) AS credited
    FROM payables y LEFT JOIN ledger l ON l.account = 'payable:' || y.invoice_id
    GROUP BY y.invoice_id, y.amount, y.state) k WHERE k.state = 'paid' AND k.credited < k.amount) q
UNION ALL
SELECT 'M4' AS check_name, subject, detail FROM (
        SELECT 'order:' || k.invoice_id AS subject, 'all of ' || CAST(k.amount AS TEXT) || ' is there, but it is '
            || k.state AS detail
        FROM (
    SELECT y.invoice_id, y.amount, y.state,
        COALESCE(-SUM(l.amount), 0) AS kept,
        COALESCE(-SUM(CASE WHEN l.amount < 0 THEN l.amount ELSE 0 END), 0) AS credited
    FROM payables y LEFT JOIN ledger l ON l.account = 'payable:' || y.invoice_id
    GROUP BY y.invoice_id, y.amount, y.state) k WHERE k.state <> 'paid' AND k.kept >= k.amount) q
UNION ALL
SELECT 'M7' AS check_name, subject, detail FROM (
        SELECT 'order:' || o.invoice_id AS subject,
            'its total is ' || CAST(o.total AS TEXT) || ', its parts make ' || CAST(o.parts AS TEXT) AS detail
        FROM (
            SELECT invoice_id, total,
                COALESCE((SELECT SUM(l.total) FROM order_lines l WHERE l.invoice_id = orders.invoice_id), 0)
                + COALESCE((SELECT SUM(a.amount) FROM order_adjustments a
                    WHERE a.invoice_id = orders.invoice_id AND NOT a.included), 0) AS parts
            FROM orders
        ) o WHERE o.total <> o.parts) q
UNION ALL
SELECT 'M7' AS check_name, subject, detail FROM (
        SELECT 'order:' || l.invoice_id AS subject, 'line ' || CAST(l.product_id AS TEXT) || ' is not price times quantity'
            AS detail
        FROM order_lines l WHERE l.total <> l.price * l.quantity) q
UNION ALL
SELECT 'M7' AS check_name, subject, detail FROM (
        SELECT 'order:' || o.invoice_id AS subject,
            'its total is ' || CAST(o.total AS TEXT) || ', its payable ' || CAST(y.amount AS TEXT) AS detail
        FROM orders o JOIN payables y ON y.invoice_id = o.invoice_id WHERE o.total <> y.amount) q
UNION ALL
SELECT 'M8' AS check_name, subject, detail FROM (
        SELECT 'order:' || o.invoice_id AS subject, o.currency || ', its payable ' || y.currency AS detail
        FROM orders o JOIN payables y ON y.invoice_id = o.invoice_id WHERE o.currency <> y.currency) q
UNION ALL
SELECT 'M8' AS check_name, subject, detail FROM (
        SELECT 'payment:' || CAST(p.id AS TEXT) AS subject, p.currency || ', its payable ' || y.currency AS detail
        FROM payments p JOIN payables y ON y.invoice_id = p.invoice_id WHERE p.currency <> y.currency) q
UNION ALL
SELECT 'M8' AS check_name, subject, detail FROM (
        SELECT 'payment:' || CAST(p.id AS TEXT) AS subject, p.currency || ', its movement ' || m.id || ' ' || m.currency
            AS detail
        FROM movements m JOIN payments p ON p.id = m.payment_id WHERE m.currency <> p.currency) q
UNION ALL
SELECT 'M8' AS check_name, subject, detail FROM (
        SELECT 'payment:' || CAST(p.id AS TEXT) AS subject, p.currency || ', its suspense ' || s."key" || ' ' || s.currency
            AS detail
        FROM suspense s JOIN payments p ON p.id = s.payment_id WHERE s.currency <> p.currency AND s.reason <> 'conflict') q
UNION ALL
SELECT 'M8' AS check_name, subject, detail FROM (
        SELECT l.posting_key AS subject, y.currency || ' is posted as ' || l.currency AS detail
        FROM ledger l JOIN payables y ON l.account = 'payable:' || y.invoice_id WHERE l.currency <> y.currency) q
UNION ALL
SELECT 'S1' AS check_name, subject, detail FROM (
        SELECT 'product:' || CAST(p.id AS TEXT) AS subject,
            'its stock is ' || CAST(p.quantity AS TEXT) || ', its moves make ' || CAST(p.moved AS TEXT) AS detail
        FROM (
            SELECT id, quantity,
                COALESCE((SELECT SUM(m.delta) FROM stock_moves m WHERE m.product_id = products.id), 0) AS moved
            FROM products
        ) p WHERE p.quantity < 0 OR p.quantity <> p.moved) q
UNION ALL
SELECT 'S2' AS check_name, subject, detail FROM (
        SELECT 'product:' || CAST(m.product_id AS TEXT) AS subject,
            m.reason || ' ' || CAST(m.delta AS TEXT) || ' for no line of an order' AS detail
        FROM stock_moves m WHERE m.reason IN ('taken', 'given_back', 'taken_late') AND NOT EXISTS (
            SELECT 1 FROM order_lines l WHERE l.invoice_id = m.invoice_id AND l.product_id = m.product_id
        )) q
UNION ALL
SELECT 'S2' AS check_name, subject, detail FROM (
        SELECT 'product:' || CAST(m.product_id AS TEXT) AS subject, m.reason || ' in the name of an order' AS detail
        FROM stock_moves m WHERE m.reason NOT IN ('taken', 'given_back', 'taken_late') AND m.invoice_id IS NOT NULL) q
UNION ALL
SELECT 'S3' AS check_name, subject, detail FROM (
        SELECT 'product:' || CAST(m.product_id AS TEXT) AS subject,
            'move ' || CAST(m.id AS TEXT) || ' sold what had not been received: ' || CAST(m.left_over AS TEXT) AS detail
        FROM (
            SELECT id, product_id, SUM(delta) OVER (PARTITION BY product_id ORDER BY id) AS left_over FROM stock_moves
        ) m WHERE m.left_over < 0) q
UNION ALL
SELECT 'S4' AS check_name, subject, detail FROM (
        SELECT 'order:' || h.invoice_id AS subject,
            'it is ' || h.status || ' and holds ' || CAST(h.held AS TEXT) || ' of ' || CAST(h.quantity AS TEXT)
            || ' of product ' || CAST(h.product_id AS TEXT) AS detail
        FROM (
            SELECT l.invoice_id, l.product_id, l.quantity, o.status,
                COALESCE(-SUM(m.delta), 0) AS held, COUNT(m.id) AS moves, COUNT(DISTINCT m.reason) AS kinds
            FROM order_lines l JOIN orders o ON o.invoice_id = l.invoice_id
            LEFT JOIN stock_moves m
                ON m.invoice_id = l.invoice_id AND m.product_id = l.product_id AND m.reason IN ('taken', 'given_back', 'taken_late')
            GROUP BY l.invoice_id, l.product_id, l.quantity, o.status
        ) h
        WHERE h.moves <> h.kinds
            OR h.held <> CASE WHEN h.status IN ('awaiting_payment', 'paid') THEN h.quantity ELSE 0 END) q
UNION ALL
SELECT 'O1' AS check_name, subject, detail FROM (
        SELECT 'cart:' || CAST(o.cart_id AS TEXT) AS subject, CAST(COUNT(*) AS TEXT) || ' orders' AS detail
        FROM orders o GROUP BY o.cart_id HAVING COUNT(*) > 1) q
UNION ALL
SELECT 'O1' AS check_name, subject, detail FROM (
        SELECT 'cart:' || CAST(c.id AS TEXT) AS subject, 'still open after order ' || o.invoice_id AS detail
        FROM orders o JOIN carts c ON c.id = o.cart_id WHERE c.is_open) q
UNION ALL
SELECT 'O2' AS check_name, subject, detail FROM (
        SELECT 'order:' || o.invoice_id AS subject,
            CAST(o.events AS TEXT) || ' events are counted, ' || CAST(COUNT(e.seq) AS TEXT) || ' are there' AS detail
        FROM orders o LEFT JOIN order_events e ON e.invoice_id = o.invoice_id
        GROUP BY o.invoice_id, o.events
        HAVING o.events <> COUNT(e.seq) OR o.events < 1 OR MIN(e.seq) <> 1 OR MAX(e.seq) <> COUNT(e.seq)) q
UNION ALL
SELECT 'O2' AS check_name, subject, detail FROM (
        SELECT 'order:' || o.invoice_id AS subject, 'it is ' || o.status || ', its last event says ' || e.to_status
            AS detail
        FROM orders o JOIN order_events e ON e.invoice_id = o.invoice_id AND e.seq = o.events
        WHERE e.to_status <> o.status) q
UNION ALL
SELECT 'O2' AS check_name, subject, detail FROM (
        SELECT 'order:' || e.invoice_id AS subject,
            'event ' || CAST(e.seq AS TEXT) || ' steps from ' || COALESCE(e.from_status, 'nothing') || ' to ' || e.to_status
            || ' after ' || COALESCE(b.to_status, 'nothing') AS detail
        FROM order_events e LEFT JOIN order_events b ON b.invoice_id = e.invoice_id AND b.seq = e.seq - 1
        WHERE COALESCE(e.from_status, '') <> COALESCE(b.to_status, '')
            OR COALESCE(e.from_status, '') || '>' || e.to_status NOT IN ('>awaiting_payment', '>paid', 'awaiting_payment>canceled', 'awaiting_payment>expired', 'awaiting_payment>paid', 'canceled>paid', 'expired>paid')) q
UNION ALL
SELECT 'O4' AS check_name, subject, detail FROM (
        SELECT 'order:' || o.invoice_id AS subject,
            'account ' || CAST(o.account_id AS TEXT) || ' ordered from a cart of '
            || COALESCE(CAST(c.account_id AS TEXT), 'nobody') AS detail
        FROM orders o LEFT JOIN carts c ON c.id = o.cart_id WHERE COALESCE(c.account_id, -1) <> o.account_id) q
UNION ALL
SELECT 'O4' AS check_name, subject, detail FROM (
        SELECT 'order:' || o.invoice_id AS subject,
            'account ' || CAST(o.account_id AS TEXT) || ' ordered, ' || CAST(y.customer_id AS TEXT) || ' pays' AS detail
        FROM orders o JOIN payables y ON y.invoice_id = o.invoice_id WHERE y.customer_id <> o.account_id) q
UNION ALL
SELECT 'X1' AS check_name, subject, detail FROM (
        SELECT 'order:' || e.invoice_id AS subject,
            'event ' || CAST(e.seq AS TEXT) || ' (' || e.to_status || ') left no event in the outbox' AS detail
        FROM order_events e WHERE NOT EXISTS (
            SELECT 1 FROM outbox b WHERE b.subject = 'order:' || e.invoice_id AND b.tx = e.tx AND b.kind
                = CASE e.to_status WHEN 'awaiting_payment' THEN 'order.placed' ELSE 'order.' || e.to_status END
        )) q
UNION ALL
SELECT 'X2' AS check_name, subject, detail FROM (
        SELECT 'order:' || e.invoice_id AS subject,
            'event ' || CAST(e.seq AS TEXT) || ' (' || e.to_status || ') left no audit entry' AS detail
        FROM order_events e WHERE NOT EXISTS (
            SELECT 1 FROM audit a WHERE a.subject = 'order:' || e.invoice_id AND a.tx = e.tx
        )) q
UNION ALL
SELECT 'I1' AS check_name, subject, detail FROM (
        SELECT 'key:' || i."key" AS subject, 'a fingerprint of ' || CAST(length(i.fingerprint) AS TEXT) || ' bytes' AS detail
        FROM idempotency i WHERE length(i.fingerprint) <> 32) q
UNION ALL
SELECT 'I2' AS check_name, subject, detail FROM (
        SELECT 'key:' || i."key" AS subject, 'half an answer' AS detail
        FROM idempotency i WHERE (i.kind IS NULL AND i.body IS NOT NULL) OR (i.kind IS NOT NULL AND i.body IS NULL)) q
UNION ALL
SELECT 'I5' AS check_name, subject, detail FROM (
        SELECT 'key:' || i."key" AS subject, 'a stored answer that is no success: ' || i.kind AS detail
        FROM idempotency i WHERE i.kind NOT IN ('created', 'accepted', 'done')) q
UNION ALL
SELECT 'I5' AS check_name, subject, detail FROM (
        SELECT 'payment:' || CAST(p.id AS TEXT) AS subject, CAST(COUNT(o.id) AS TEXT) || ' STARTs' AS detail
        FROM payments p LEFT JOIN operations o ON o.payment_id = p.id AND o.kind = 'start'
        GROUP BY p.id HAVING COUNT(o.id) <> 1) q
UNION ALL
SELECT 'A1' AS check_name, subject, detail FROM (
        SELECT 'session:' || CAST(s.id AS TEXT) AS subject, 'open for an inactive account' AS detail
        FROM sessions s JOIN accounts a ON a.id = s.account_id
        WHERE NOT a.is_active AND s.ended_at IS NULL AND s.opened_at >= a.sessions_valid_from) q
UNION ALL
SELECT 'A3' AS check_name, subject, detail FROM (
        SELECT 'session:' || CAST(s.id AS TEXT) AS subject, 'a token that is not a SHA-256 hash' AS detail
        FROM sessions s WHERE length(s.token_hash) <> 32) q
UNION ALL
SELECT 'A4' AS check_name, subject, detail FROM (
        SELECT 'session:' || CAST(s.id AS TEXT) AS subject, 'used after its end' AS detail
        FROM sessions s WHERE s.last_seen_at > s.ends_at OR s.last_seen_at > s.idle_until) q
UNION ALL
SELECT 'W1' AS check_name, subject, detail FROM (
        SELECT 'notice:' || n.method || '/' || n.event_id AS subject, 'kept ' || CAST(COUNT(*) AS TEXT) || ' times' AS detail
        FROM inbox n GROUP BY n.method, n.event_id HAVING COUNT(*) > 1) q
UNION ALL
SELECT 'W1' AS check_name, subject, detail FROM (
        SELECT 'notice:' || n.method || '/' || n.event_id AS subject, n.state || ', but not settled as such' AS detail
        FROM inbox n WHERE (n.state = 'waiting') <> (n.settled_at IS NULL)) q
UNION ALL
SELECT 'U1' AS check_name, subject, detail FROM (
        SELECT 'audit:' || CAST(a.id AS TEXT) AS subject, a.action || ' by nobody, or in no request' AS detail
        FROM audit a WHERE a.actor = '' OR a.request_id = '') q
UNION ALL
SELECT 'U1' AS check_name, subject, detail FROM (
        SELECT c.subject, 'changed by transaction ' || CAST(c.tx AS TEXT) || ', which left no audit entry' AS detail
        FROM (
            SELECT 'product:' || CAST(product_id AS TEXT) AS subject, tx FROM stock_moves
            UNION SELECT 'payment:' || CAST(payment_id AS TEXT), tx FROM movements
            UNION SELECT 'posting:' || "key", tx FROM postings
        ) c WHERE c.tx NOT IN (SELECT tx FROM audit)) q
UNION ALL
SELECT 'U2' AS check_name, subject, detail FROM (
        SELECT 'block:' || CAST(b.id AS TEXT) AS subject, 'it does not follow the block before' AS detail
        FROM audit_blocks b LEFT JOIN audit_blocks p ON p.id = b.id - 1
        WHERE b.first_id > b.last_id OR (b.id > 1 AND p.id IS NULL) OR p.hash <> b.previous OR p.last_id >= b.first_id) q
UNION ALL
SELECT 'A3' AS check_name, subject, detail FROM (
        SELECT 'account:' || CAST(id AS TEXT) AS subject, 'not an argon2id hash at or above the floor' AS detail
        FROM accounts
        WHERE password NOT LIKE '$argon2id$v=19$m=%,t=%,p=%$%$%' OR COALESCE(CAST(substring(password from '[$]m=([0-9]+)') AS BIGINT), 0) * COALESCE(CAST(substring(password from ',t=([0-9]+)') AS BIGINT), 0) < 35840) q

CREATE VIEW liveness_violations (check_name, subject, detail, since) AS
SELECT 'M9' AS check_name, subject, detail, since FROM (
        SELECT 'operation:' || o.id AS subject, o.kind || ' is still sent or unknown' AS detail,
            COALESCE(o.next_check_at, o.last_updated) AS since
        FROM operations o JOIN payments p ON p.id = o.payment_id WHERE o.state <= 2 AND NOT p.needs_review) q
UNION ALL
SELECT 'S5' AS check_name, subject, detail, since FROM (
        SELECT 'order:' || o.invoice_id AS subject, 'unpaid, and its time to pay is over' AS detail,
            COALESCE(y.pay_until, o.pay_until) AS since
        FROM orders o LEFT JOIN payables y ON y.invoice_id = o.invoice_id
        WHERE o.status = 'awaiting_payment' AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.invoice_id = o.invoice_id AND (p.is_live OR p.in_doubt))) q
UNION ALL
SELECT 'O3' AS check_name, subject, detail, since FROM (
        SELECT 'payment:' || CAST(p.id AS TEXT) AS subject, p.status || ', and nobody will ask again' AS detail,
            p.last_updated AS since
        FROM payments p WHERE (p.is_live OR p.in_doubt) AND NOT p.needs_review AND NOT EXISTS (
            SELECT 1 FROM operations o WHERE o.payment_id = p.id AND o.next_check_at IS NOT NULL
        )) q
UNION ALL
SELECT 'X4' AS check_name, subject, detail, since FROM (
        SELECT 'outbox:' || CAST(b.id AS TEXT) AS subject, b.kind || ' waits for delivery' AS detail,
            b.next_try_at AS since
        FROM outbox b WHERE b.state = 'waiting') q
UNION ALL
SELECT 'I4' AS check_name, subject, detail, since FROM (
        SELECT 'key:' || i."key" AS subject, 'a request that never ended' AS detail, i.at AS since
        FROM idempotency i WHERE i.kind IS NULL) q
UNION ALL
SELECT 'W4' AS check_name, subject, detail, since FROM (
        SELECT 'notice:' || n.method || '/' || n.event_id AS subject, 'kept, and not processed' AS detail,
            n.next_try_at AS since
        FROM inbox n WHERE n.state = 'waiting') q
