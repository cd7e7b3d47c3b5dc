CREATE TABLE endpoints (
	id TEXT NOT NULL, 
	url TEXT NOT NULL, 
	events TEXT NOT NULL, 
	description TEXT NOT NULL, 
	is_enabled BOOLEAN DEFAULT 1 NOT NULL, 
	disabled TEXT CONSTRAINT endpoints_disabled CHECK (disabled IN ('operator', 'gone', 'failing')), 
	failing_since BIGINT, 
	salt TEXT NOT NULL, 
	proof BLOB NOT NULL, 
	old_salt TEXT, 
	old_proof BLOB, 
	old_until BIGINT, 
	created_at BIGINT NOT NULL, 
	removed_at BIGINT, 
	version INTEGER DEFAULT 1 NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT endpoints_secret_hashed CHECK (length(proof) = 32), 
	CONSTRAINT endpoints_disabled_for_a_reason CHECK (is_enabled = (disabled IS NULL))
)

CREATE TABLE deliveries (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	endpoint_id TEXT NOT NULL, 
	event_id BIGINT, 
	message_id TEXT NOT NULL, 
	type TEXT NOT NULL, 
	body BLOB NOT NULL, 
	state TEXT DEFAULT 'waiting' NOT NULL CONSTRAINT deliveries_state CHECK (state IN ('waiting', 'delivered', 'dead')), 
	attempt INTEGER DEFAULT 0 NOT NULL, 
	fence INTEGER DEFAULT 0 NOT NULL, 
	next_try_at BIGINT NOT NULL, 
	lease_until BIGINT, 
	created_at BIGINT NOT NULL, 
	settled_at BIGINT, 
	status INTEGER, 
	reason TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT deliveries_once UNIQUE (endpoint_id, event_id), 
	CONSTRAINT deliveries_settled CHECK ((state = 'waiting') = (settled_at IS NULL)), 
	FOREIGN KEY(endpoint_id) REFERENCES endpoints (id)
)

CREATE INDEX deliveries_by_endpoint ON deliveries (endpoint_id, id)

CREATE INDEX deliveries_dead ON deliveries (endpoint_id, created_at) WHERE state = 'dead'

CREATE INDEX deliveries_due ON deliveries (endpoint_id, next_try_at, id) WHERE state = 'waiting'

CREATE INDEX deliveries_leased ON deliveries (endpoint_id) WHERE lease_until IS NOT NULL

CREATE INDEX deliveries_settled_at ON deliveries (settled_at) WHERE settled_at IS NOT NULL

CREATE TABLE delivery_attempts (
	delivery_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	duration_ms INTEGER NOT NULL, 
	status INTEGER, 
	reason TEXT NOT NULL, 
	PRIMARY KEY (delivery_id, number), 
	FOREIGN KEY(delivery_id) REFERENCES deliveries (id)
)

DROP VIEW invariant_violations

DROP VIEW liveness_violations

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
        WHERE password NOT LIKE '$argon2id$v=19$m=%,t=%,p=%$%$%' OR CAST(substr(password, instr(password, '$m=') + 3) AS INTEGER) * CAST(substr(password, instr(password, ',t=') + 3) AS INTEGER) < 35840) q

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
