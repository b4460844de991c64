//! The page of data classes is made from the registry and from nothing else.

use kernel::Registry;

#[test]
fn every_class_and_every_column_stands_on_the_page() {
    let (main, shelf) = (Registry::new(vec![store::ROOM, jobs::ROOM]), Registry::new(vec![store::SHELF_ROOM]));
    let page = trust::data_map(&[("Main database", &main), ("Key shelf", &shelf)]);
    for table in main.tables().chain(shelf.tables()) {
        for column in table.columns {
            let line = format!("`{}.{}` — ", table.name, column.name);
            let found: Vec<_> = page.lines().filter(|candidate| candidate.contains(&line)).collect();
            assert_eq!(found.len(), 1, "{line}");
            assert_eq!(found[0].contains("sealed"), column.sealed.is_some(), "{line}");
            assert!(page.contains(&format!("## {}\n\n{}", column.class.name, column.class.purpose)));
        }
    }
    assert!(page.contains("90 days at most") && page.contains("nobody; the program alone"));
}
