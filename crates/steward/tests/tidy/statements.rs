//! What a text of SQL must say.

pub fn is_sql(text: &str) -> bool {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let begins = |words: &[&str]| words.iter().any(|words| text.starts_with(words));
    let updates = begins(&["UPDATE ", "WITH "]) && text.contains("UPDATE ") && text.contains(" SET ");
    let selects = begins(&["SELECT "]) || begins(&["WITH "]) && text.contains(" SELECT ") || text.contains("(SELECT ");
    updates || selects || ["INSERT INTO ", "DELETE FROM ", "CREATE TABLE "].iter().any(|words| text.contains(words))
}

/// What a scoped statement must say: `$1` is the tenant of every table that it names.
pub fn names_its_tenant(sql: &str) -> bool {
    let words: Vec<&str> = sql.split(|c: char| c.is_whitespace() || c == ',' || c == '(' || c == ')').collect();
    let tables = words.iter().filter(|word| ["FROM", "JOIN", "INTO"].contains(word)).count()
        + usize::from(sql.starts_with("UPDATE ") || sql.contains(") UPDATE "));
    let inserts = sql.split("INSERT INTO ").skip(1).filter(|rest| {
        let columns = rest.split_once('(').map_or("", |(_, columns)| columns);
        let copied = rest
            .split_once(" SELECT ")
            .is_some_and(|(_, from)| from.split(',').next().unwrap_or_default().ends_with(".tenant"));
        columns.starts_with("tenant")
            && (copied || ["VALUES ($1", "VALUES {rows}", "SELECT $1"].iter().any(|from| rest.contains(from)))
    });
    let bound = sql.matches("tenant = $1").count() + inserts.count();
    let joined =
        sql.matches(".tenant = ").count() - sql.matches(".tenant = $1").count() + sql.matches("USING (tenant").count();
    bound >= 1 && bound + joined >= tables
}

/// Many keys are looked for one after the other: else SQLite reads all of the tenant's rows from some dozens of keys on, whatever
/// the index.
pub fn goes_key_by_key(sql: &str) -> bool {
    !sql.contains("VALUES {rows}")
        || !sql.starts_with("WITH ")
        || (sql.contains(" CROSS JOIN ") && !sql.contains(") UPDATE "))
}

#[test]
fn texts_are_told_apart() {
    for (sql, names) in [
        ("SELECT a FROM t WHERE tenant = $1", true),
        ("SELECT a FROM t WHERE id = $1", false),
        ("SELECT a FROM t JOIN u ON u.id = t.id WHERE t.tenant = $1", false),
        ("SELECT a FROM t JOIN u ON u.id = t.id AND u.tenant = t.tenant WHERE t.tenant = $1", true),
        ("SELECT a FROM t WHERE tenant = $1 AND id IN (SELECT id FROM u)", false),
        ("INSERT INTO t (tenant, a) VALUES ($1, $2)", true),
        ("INSERT INTO t (a, tenant) VALUES ($2, $1)", false),
        ("INSERT INTO t (tenant, a) VALUES ($2, $1)", false),
        ("INSERT INTO t (tenant, a) VALUES {rows}", true),
        ("INSERT INTO t (a, tenant) VALUES {rows}", false),
        (
            "WITH n (tenant, a) AS (VALUES {rows}) INSERT INTO t (tenant, a) SELECT h.tenant, h.a FROM n CROSS JOIN t AS h \
             WHERE n.tenant = $1 AND h.tenant = n.tenant AND h.a = n.a ON CONFLICT (tenant, a) DO NOTHING",
            true,
        ),
        (
            "WITH n (tenant, a) AS (VALUES {rows}) INSERT INTO t (tenant, a) SELECT h.tenant, h.a FROM n CROSS JOIN t AS h \
             WHERE n.tenant = $1 AND h.a = n.a ON CONFLICT (tenant, a) DO NOTHING",
            false,
        ),
        ("UPDATE t SET a = $2 WHERE tenant = $1", true),
        ("UPDATE t SET a = $2 WHERE id = $3", false),
        ("DELETE FROM t WHERE tenant <> $1", false),
    ] {
        assert_eq!(names_its_tenant(sql), names, "{sql}");
    }
    assert!(is_sql("WITH n AS (VALUES {rows}) SELECT a FROM n") && is_sql("WITH n AS (SELECT 1) UPDATE t SET a = 1"));
    assert!(is_sql("update") || is_sql("UPDATE t SET a = 1") && !is_sql("UPDATE of the page") && !is_sql("Select one"));
    for (sql, goes) in [
        ("INSERT INTO t (tenant, a) VALUES {rows}", true),
        (
            "WITH a (tenant, b) AS (VALUES {rows}) SELECT c FROM a CROSS JOIN t WHERE a.tenant = $1 AND t.tenant = a.tenant",
            true,
        ),
        ("WITH a (tenant, b) AS (VALUES {rows}) SELECT c FROM a JOIN t USING (tenant, b) WHERE a.tenant = $1", false),
        (
            "WITH a (tenant, b) AS (VALUES {rows}) UPDATE t SET b = a.b FROM a WHERE t.tenant = $1 AND a.tenant = $1",
            false,
        ),
    ] {
        assert_eq!(goes_key_by_key(sql), goes, "{sql}");
    }
}
